using System.Diagnostics;
using LlavaCluster.Model.Collectives;
using Xunit;
using Xunit.Abstractions;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>Ranks as processes: the same bits as ranks that are threads, and nobody waits for one that was killed.</summary>
public sealed class CollectiveProcessTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Ranks_InProcessesOfTheirOwn_SumTheSameBitsAndNoticeADeath(int ranks, bool sharedMemory)
    {
        var processes = Enumerable.Range(0, ranks).Select(rank => RankProcess.Start(rank, ranks, RankProgram.Sums, sharedMemory)).ToArray();
        try
        {
            Array.ForEach(processes, process => process.Tell(processes.Select(other => other.Address)));
            var expected = HashInThreads(ranks);
            Assert.All(processes, process => Assert.Equal(expected, process.Answer()));

            // All but the last wait in a sum, or are about to.
            processes[^1].Kill();
            var began = Stopwatch.GetTimestamp();
            foreach (var process in processes[..^1])
            {
                Assert.Equal(
                    $"The ranks no longer work together: the connection to rank {ranks - 1} is lost: its process is gone. They must be formed anew.",
                    process.Answer());
            }

            output.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:F1} ms from the kill to the last word");
        }
        finally
        {
            Array.ForEach(processes, process => process.Dispose());
        }
    }

    private static string HashInThreads(int ranks)
    {
        var ends = InProcessCollective.Create(ranks);
        var hashes = new string[ranks];
        var threads = ends.Select(end => new Thread(() => hashes[end.Rank] = RankProgram.HashOfSums(end))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return Assert.Single(hashes.Distinct());
    }
}
