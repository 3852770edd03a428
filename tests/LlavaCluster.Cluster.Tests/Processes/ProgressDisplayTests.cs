using LlavaCluster.Silo.Hosting;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>What a log file gets to see of a long load.</summary>
public sealed class ProgressDisplayTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };

    [Fact]
    public void Report_WithinTwoSeconds_IsSilent()
    {
        var display = new ProgressDisplay("Loading", _output, isTerminal: false, _time);
        display.Report(5_000_000_000, 10_000_000_000);
        _time.Advance(ProgressDisplay.Patience - TimeSpan.FromMilliseconds(1));
        display.Report(6_000_000_000, 10_000_000_000);

        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public void Report_LaterOnes_TellEachTenthOnce()
    {
        var display = new ProgressDisplay("Loading", _output, isTerminal: false, _time);
        _time.Advance(ProgressDisplay.Patience);
        foreach (var gigabytes in new[] { 0.5, 3.1, 3.2, 3.9, 4.0, 10 })
        {
            display.Report((long)(gigabytes * 1e9), 10_000_000_000);
        }

        Assert.Equal("Loading: 30 % of 10.0 GB\nLoading: 40 % of 10.0 GB\nLoading: 100 % of 10.0 GB\n", _output.ToString());
    }

    [Fact]
    public void LoadProgress_SeveralParts_AreOne()
    {
        var display = new ProgressDisplay("Loading", _output, isTerminal: false, _time);
        var whole = new LoadProgress(display);
        var (tower, rank) = (whole.AddPart(1_000_000_000), whole.AddPart(9_000_000_000));
        _time.Advance(ProgressDisplay.Patience);
        tower.Report(0, 1_000_000_000);
        rank.Report(3_000_000_000, 9_000_000_000);
        tower.Report(1_000_000_000, 1_000_000_000);

        Assert.Equal("Loading: 30 % of 10.0 GB\nLoading: 40 % of 10.0 GB\n", _output.ToString());
    }
}
