using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How a session comes out of its log, is copied, and ends for ever.</summary>
internal sealed partial class SessionGrain
{
    private Task? _loaded;

    /// <inheritdoc/>
    public async Task Delete()
    {
        await LoadAsync();
        if (!Exists)
        {
            throw Unknown();
        }

        // Chat calls interleave with this one: no new turn may begin until all is gone.
        _deleting = true;
        try
        {
            var running = _live.ToArray();
            foreach (var turn in running)
            {
                turn.IsAbandoned = false;
                await turn.Cancel.CancelAsync();
            }

            await Task.WhenAll(running.Select(turn => turn.Done));
            await EndWarmingAsync();
            await EraseAsync();
        }
        catch (TurnLogFencedException fenced)
        {
            LeaveFenced(fenced);
            throw Leaving();
        }
        catch (StoreUnavailableException unavailable)
        {
            _loaded = null;
            throw NotWritten(unavailable);
        }
        finally
        {
            _deleting = false;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> Expire(DateTimeOffset usedBefore)
    {
        await LoadAsync();
        if (_live.Count > 0 || _conversation.UsedAt is null || _conversation.UsedAt >= usedBefore)
        {
            return false;
        }

        await Delete();
        LogExpired(Id, usedBefore);
        return true;
    }

    /// <inheritdoc/>
    public async Task Fork(string turnId, string fork)
    {
        await LoadAsync();
        if (!Exists)
        {
            throw Unknown();
        }

        try
        {
            var entries = await ForkRule.EntriesAsync(_log, Id, turnId);
            foreach (var image in ImagesOf(Conversation.From(entries)))
            {
                await _images.HoldAsync(image, fork, CancellationToken.None);
            }

            for (var i = 0; i < entries.Count; i++)
            {
                await _log.AppendAsync(fork, i, entries[i], CancellationToken.None);
            }

            LogForked(Id, fork, turnId);
        }
        catch (StoreUnavailableException unavailable)
        {
            throw NotWritten(unavailable);
        }
    }

    /// <summary>
    /// The conversation as the log has it now: a silo that was declared dead and did not know it may have written, or deleted, after this
    /// activation had read. A turn that runs here finds that out by itself.
    /// </summary>
    /// <exception cref="TurnRefusedException">Unavailable: it cannot be read now.</exception>
    private async Task<Conversation> LatestAsync()
    {
        var isRead = _loaded is null;
        await LoadAsync();
        if (isRead || _live.Count > 0)
        {
            return _conversation;
        }

        try
        {
            var known = _conversation.LogLength;
            var found = Conversation.From(await _log.ReadAsync(Id, CancellationToken.None));
            if (found.LogLength == known || known != _conversation.LogLength || _live.Count > 0)
            {
                return _conversation;
            }

            LeaveFenced(new TurnLogFencedException(Id, known, found.LogLength));
            return found;
        }
        catch (StoreUnavailableException unavailable)
        {
            LogUnavailable(Id, unavailable);
            throw NotWritten(unavailable);
        }
    }

    /// <summary>Reads the log, unless that was done. Several calls may wait for one reading.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: it cannot be read now.</exception>
    private async Task LoadAsync()
    {
        Task? loading = null;
        try
        {
            await _pulse.ProveAsync();
            loading = _loaded ??= ReadAsync();
            await loading;
        }
        catch (Exception error)
        {
            _loaded = _loaded == loading ? null : _loaded;
            if (error is StoreUnavailableException unavailable)
            {
                LogUnavailable(Id, unavailable);
                throw NotWritten(unavailable);
            }

            throw;
        }
    }

    private async Task ReadAsync()
    {
        _conversation = Conversation.From(await _log.ReadAsync(Id, CancellationToken.None));
        // Where its KV is, if that replica still has it.
        _replica ??= _conversation.Turns.Count > 0 ? _conversation.Turns[^1].Started.Replica : null;
        if (_conversation.IsDeleted)
        {
            // A deletion that was cut off.
            await EraseAsync();
        }
    }

    /// <summary>Removes all that is kept of the session. The log says first that it is being done, and goes last.</summary>
    private async Task EraseAsync()
    {
        if (_conversation.LogLength > 0)
        {
            if (_conversation.Open is { } open)
            {
                await AppendAsync(new TurnEnded(open.Started.TurnId, [], "", Core.Engine.FinishReason.Cancelled, _time.GetUtcNow()));
            }

            if (!_conversation.IsDeleted)
            {
                await AppendAsync(new SessionDeleted(_time.GetUtcNow()));
            }

            var gone = new List<ImageHash>();
            foreach (var image in ImagesOf(_conversation))
            {
                if (await _images.ReleaseAsync(image, Id, deleteUnheld: true, CancellationToken.None))
                {
                    gone.Add(image);
                }
            }

            await _caches.ForgetAsync(gone);
            await _caches.ForgetAsync(TurnAdmission.Remains(Id, _conversation, _tenant));
            await _log.DeleteAsync(Id, CancellationToken.None);
        }

        (_conversation, _replica) = (new Conversation(), null);
        WatchEmptiness();
        LogDeleted(Id);
    }

    /// <summary>A turn that was refused leaves no image held that the conversation does not have; the client may send it again by its hash.</summary>
    private async Task ReleaseUnusedAsync(LiveTurn turn)
    {
        try
        {
            var used = ImagesOf(_conversation);
            foreach (var hash in HashesOf(turn.Content.Parts).Where(hash => !used.Contains(hash)))
            {
                await _images.ReleaseAsync(hash, Id, deleteUnheld: false, CancellationToken.None);
            }
        }
        catch (StoreUnavailableException error)
        {
            LogUnavailable(Id, error);
        }
    }

    private static HashSet<ImageHash> ImagesOf(Conversation conversation) =>
        [.. conversation.Turns.SelectMany(turn => HashesOf(turn.Started.Parts))];

    private static IEnumerable<ImageHash> HashesOf(IReadOnlyList<TurnPart> parts) =>
        parts.Select(part => part.Image).OfType<string>().Where(ImageHash.IsHash).Distinct().Select(hex => new ImageHash(hex));
}
