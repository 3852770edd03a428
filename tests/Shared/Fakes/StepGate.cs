using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Tests.Fakes;

/// <summary>Lets a fake runner do only as many steps as a test allows; the test can wait until it stands at the gate.</summary>
internal sealed class StepGate
{
    private readonly SemaphoreSlim _allowed = new(0);
    private readonly SemaphoreSlim _arrived = new(0);
    private volatile bool _open;

    public void Pass(StepPlan plan)
    {
        _arrived.Release();
        if (!_open && !_allowed.Wait(TimeSpan.FromSeconds(30)))
        {
            throw new TimeoutException("Nobody opened the gate in 30 s.");
        }
    }

    /// <summary>Waits until the runner stands before its next step.</summary>
    public async Task ArrivedAsync() => Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(30)), "No step was begun in 30 s.");

    public void Allow(int steps = 1) => _allowed.Release(steps);

    /// <summary>No more waiting.</summary>
    public void Open()
    {
        _open = true;
        _allowed.Release(1);
    }
}
