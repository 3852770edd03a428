using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>A turn that waits or runs. Its session's thread only.</summary>
internal sealed class LiveTurn(string turnId, TurnContent content, TurnRequestMessage request, Task before, long arrived)
{
    private TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its id.</summary>
    public string TurnId { get; } = turnId;

    /// <summary>What is asked.</summary>
    public TurnContent Content { get; } = content;

    /// <summary>The request that brought it.</summary>
    public TurnRequestMessage Request { get; } = request;

    /// <summary>Completes when the turn before it is over.</summary>
    public Task Before { get; } = before;

    /// <summary>Time stamp of its coming.</summary>
    public long Arrived { get; } = arrived;

    /// <summary>What has been told of it.</summary>
    public TurnBuffer Buffer { get; } = new();

    /// <summary>Ends it.</summary>
    public CancellationTokenSource Cancel { get; } = new();

    /// <summary>Who listens. When the last one goes, the turn is cancelled.</summary>
    public int Listeners { get; set; }

    /// <summary>The last one who listened has gone: the turn is being cancelled, and who asks for it again goes on with a new run.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Its place in the cluster's budgets, while it has one.</summary>
    public AdmittedTurn? Admitted { get; set; }

    /// <summary>It is its turn.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Completes when it is over and the log knows.</summary>
    public Task Done { get; set; } = Task.CompletedTask;

    /// <summary>Replica that last began to compute it, with what KV it found or had fetched; null: none yet.</summary>
    public string? Replica { get; private set; }

    /// <summary>A replica has begun to compute it.</summary>
    public void BegunAt(string replica)
    {
        var begun = _begun;
        (Replica, _begun) = (replica, new(TaskCreationOptions.RunContinuationsAsynchronously));
        begun.TrySetResult();
    }

    /// <summary>Waits until another replica than this one has begun to compute it, or it is over.</summary>
    public async Task LeftAsync(string replica, CancellationToken cancellationToken)
    {
        while (!Done.IsCompleted && (Replica is null || Replica == replica))
        {
            await Task.WhenAny(_begun.Task, Done).WaitAsync(cancellationToken);
        }
    }
}
