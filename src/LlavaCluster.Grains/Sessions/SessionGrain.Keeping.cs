using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How a session comes out of its log, and how it ends for ever.</summary>
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
                await turn.Cancel.CancelAsync();
            }

            await Task.WhenAll(running.Select(turn => turn.Done));
            await _log.DeleteAsync(Id, CancellationToken.None);
            (_conversation, _replica) = (new Conversation(), null);
            LogDeleted(Id);
        }
        catch (TurnLogUnavailableException unavailable)
        {
            _loaded = null;
            throw NotWritten(unavailable);
        }
        finally
        {
            _deleting = false;
        }
    }

    /// <summary>Reads the log, unless that was done. Several calls may wait for one reading.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: it cannot be read now.</exception>
    private async Task LoadAsync()
    {
        var loading = _loaded ??= ReadAsync();
        try
        {
            await loading;
        }
        catch (Exception error)
        {
            _loaded = _loaded == loading ? null : _loaded;
            if (error is TurnLogUnavailableException unavailable)
            {
                LogUnavailable(Id, unavailable);
                throw NotWritten(unavailable);
            }

            throw;
        }
    }

    private async Task ReadAsync() => _conversation = Conversation.From(await _log.ReadAsync(Id, CancellationToken.None));
}
