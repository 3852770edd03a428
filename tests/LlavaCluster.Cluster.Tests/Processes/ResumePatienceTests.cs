using LlavaCluster.Client;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>How long a client waits for a server that went away.</summary>
public sealed class ResumePatienceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Pause_AgainAndAgain_DoublesUpToTheLongestThenGivesUp()
    {
        var options = new ResumeOptions
        {
            GiveUpAfter = TimeSpan.FromSeconds(10),
            FirstPause = TimeSpan.FromSeconds(1),
            LongestPause = TimeSpan.FromSeconds(3),
        };
        var patience = new ResumePatience(options, _time);
        var pauses = new List<double>();
        while (await PauseAsync(patience) is { } seconds)
        {
            pauses.Add(seconds);
        }

        Assert.Equal([1, 2, 3, 3], pauses);
    }

    [Fact]
    public async Task Pause_AfterASignOfLife_BeginsAnew()
    {
        var patience = new ResumePatience(new ResumeOptions { FirstPause = TimeSpan.FromSeconds(1) }, _time);
        await PauseAsync(patience);
        patience.Renew();

        Assert.Equal(1, await PauseAsync(patience));
    }

    [Fact]
    public async Task Pause_NoPatience_GivesUpAtOnce() =>
        Assert.Null(await PauseAsync(new ResumePatience(new ResumeOptions { GiveUpAfter = TimeSpan.Zero }, _time)));

    /// <summary>Seconds that it paused, or null when it gave up.</summary>
    private async Task<double?> PauseAsync(ResumePatience patience)
    {
        var began = _time.GetTimestamp();
        var pausing = patience.PauseAsync(CancellationToken.None);
        while (!pausing.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        return await pausing ? _time.GetElapsedTime(began).TotalSeconds : null;
    }
}
