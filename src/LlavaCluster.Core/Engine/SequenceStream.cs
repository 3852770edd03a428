namespace LlavaCluster.Core.Engine;

/// <summary>The events of one sequence to be; it is queued when somebody begins to enumerate.</summary>
internal sealed class SequenceStream(DecodeLoop loop, SequenceRequest request, CancellationToken outer)
    : IAsyncEnumerable<GenerationEvent>
{
    /// <inheritdoc/>
    public IAsyncEnumerator<GenerationEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        outer.ThrowIfCancellationRequested();
        cancellationToken.ThrowIfCancellationRequested();
        return new Reader(loop, loop.Admit(request), outer, cancellationToken);
    }

    private sealed class Reader : IAsyncEnumerator<GenerationEvent>
    {
        private readonly DecodeLoop _loop;
        private readonly LiveRequest _live;
        private readonly CancellationTokenSource _cancel;
        private readonly CancellationTokenRegistration _registration;
        private bool _ended;

        public Reader(DecodeLoop loop, LiveRequest live, CancellationToken first, CancellationToken second)
        {
            (_loop, _live) = (loop, live);
            _cancel = CancellationTokenSource.CreateLinkedTokenSource(first, second);
            // At once, also while the reader is busy elsewhere.
            _registration = _cancel.Token.Register(() => loop.Cancel(live));
        }

        public GenerationEvent Current { get; private set; } = null!;

        public async ValueTask<bool> MoveNextAsync()
        {
            while (true)
            {
                _cancel.Token.ThrowIfCancellationRequested();
                if (_live.TryRead(out var next))
                {
                    Current = next;
                    return true;
                }

                if (!await _live.WaitToReadAsync(_cancel.Token).ConfigureAwait(false))
                {
                    _ended = true;
                    return false;
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync().ConfigureAwait(false);
            _cancel.Dispose();
            if (!_ended)
            {
                _loop.Cancel(_live);
            }
        }
    }
}
