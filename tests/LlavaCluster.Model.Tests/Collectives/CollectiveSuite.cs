using System.Diagnostics;
using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>What every way of working together must do; each implementation runs all of it, with ranks as threads.</summary>
public abstract class CollectiveSuite
{
    /// <summary>Where a rank in trouble tells the others why.</summary>
    protected virtual bool TellsReasons => true;

    /// <summary>Where sums of 16-bit numbers are taken in order of ranks, in float32.</summary>
    protected virtual bool SumsInOrder => true;

    /// <summary>Within which the others end.</summary>
    protected virtual TimeSpan AbortLimit => TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void AllReduceSum_AnyRanks_GivesEveryRankTheSameSum(int ranks)
    {
        var results = OnRanks(ranks, collective =>
        {
            using var tensor = full(2, 3, value: (float)(collective.Rank + 1));
            for (var i = 0; i < 50; i++)
            {
                collective.AllReduceSum(tensor);
                tensor.div_(ranks);
            }

            collective.AllReduceSum(tensor);
            return tensor.data<float>().ToArray();
        });
        Assert.All(results, sum => Assert.All(sum, x => Assert.Equal(ranks * (ranks + 1) / 2f, x, 1e-3)));
        Assert.All(results, sum => Assert.Equal(results[0], sum));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2)]
    [InlineData(ScalarType.BFloat16, 2)]
    [InlineData(ScalarType.Float16, 2)]
    [InlineData(ScalarType.Float32, 5)]
    [InlineData(ScalarType.BFloat16, 5)]
    [InlineData(ScalarType.Float16, 5)]
    public void AllReduceSum_AnySize_GivesTheBitsOfAPlainSumInOrder(ScalarType type, int ranks)
    {
        // Below, at and past every border: vectors, one exchange or two, pieces of the shared memory.
        foreach (var count in new long[] { 1, 31, 64, 4_095, 20_001, 131_072, 131_073, 700_003 })
        {
            using var whole = randn(ranks, count, generator: new Generator(7)).mul(100).to(type);
            using var sum = whole[0].to(ScalarType.Float32, copy: true);
            for (var rank = 1; rank < ranks; rank++)
            {
                sum.add_(whole[rank]);
            }

            using var narrowed = sum.to(type);
            var expected = narrowed.bytes.ToArray();
            var results = OnRanks(ranks, collective =>
            {
                using var tensor = whole[collective.Rank].clone();
                collective.AllReduceSum(tensor);
                return SumsInOrder ? tensor.bytes.ToArray() : (tensor - sum).abs().max().item<float>() < 1 ? expected : [];
            });
            Assert.All(results, result => Assert.True(expected.AsSpan().SequenceEqual(result), $"{count} numbers of {type}, {ranks} ranks"));
        }
    }

    [Fact]
    public void AllReduceSum_BFloat16_AddsInFloat32()
    {
        // 256 + 1 is 256 in bfloat16: only a wider sum notices the small parts.
        var results = OnRanks(5, collective =>
        {
            using var tensor = full(1, value: collective.Rank == 0 ? 256f : 1f).to(ScalarType.BFloat16);
            collective.AllReduceSum(tensor);
            return tensor.to(ScalarType.Float32).data<float>()[0];
        });
        Assert.All(results, sum => Assert.Equal(SumsInOrder ? 260 : sum, sum));
        Assert.All(results, sum => Assert.Equal(results[0], sum));
    }

    [Fact]
    public void AllReduceSum_TensorThatIsNotContiguous_IsSummedInPlace()
    {
        var results = OnRanks(2, collective =>
        {
            using var tensor = arange(6, ScalarType.Float32).reshape(2, 3);
            using var columns = tensor.t();
            collective.AllReduceSum(columns);
            return tensor.data<float>().ToArray();
        });
        Assert.All(results, sum => Assert.Equal([0, 2, 4, 6, 8, 10], sum));
    }

    [Fact]
    public void AllGather_UnevenParts_JoinsThemInOrder()
    {
        var results = OnRanks(3, collective =>
        {
            using var local = full(2, collective.Rank + 1, value: (float)collective.Rank);
            using var all = collective.AllGather(local, [1, 2, 3]);
            return (all.shape, Row: all[1].data<float>().ToArray());
        });
        Assert.All(results, result => Assert.Equal([2, 6], result.shape));
        Assert.All(results, result => Assert.Equal([0, 1, 1, 2, 2, 2], result.Row));
    }

    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(3, ScalarType.BFloat16)]
    [InlineData(40, ScalarType.Int64)]
    public void AllGather_AnyRowsAndTypes_EqualsAJoin(int rows, ScalarType type)
    {
        long[] lengths = [9_000, 0, 9_001, 5];
        using var whole = randn(rows, lengths.Sum(), generator: new Generator(3)).mul(1000).to(type);
        var expected = whole.bytes.ToArray();
        var results = OnRanks(4, collective =>
        {
            using var local = whole.narrow(1, lengths.Take(collective.Rank).Sum(), lengths[collective.Rank]);
            using var all = collective.AllGather(local, lengths);
            return all.bytes.ToArray();
        });
        Assert.All(results, result => Assert.True(expected.AsSpan().SequenceEqual(result)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(800_000)]
    public void Broadcast_FromAnyRank_ReplacesTheOthers(int count)
    {
        var results = OnRanks(3, collective =>
        {
            using var tensor = full(count, value: (float)collective.Rank);
            collective.Broadcast(tensor, root: 2);
            collective.Broadcast(tensor, root: 0);
            return (tensor.min().item<float>(), tensor.max().item<float>());
        });
        Assert.All(results, value => Assert.Equal((2, 2), value));
    }

    [Fact]
    public void AnyCalls_OneRankIsAlwaysLate_AllGetWhatIsTheirs()
    {
        var results = OnRanks(3, collective =>
        {
            var sums = new List<float>();
            for (var i = 0; i < 40; i++)
            {
                if (i % 3 == collective.Rank)
                {
                    Thread.SpinWait(20_000);
                }

                using var tensor = full(1 + (i * 997), value: (float)(collective.Rank + i));
                collective.AllReduceSum(tensor);
                collective.Broadcast(tensor, i % 3);
                using var all = collective.AllGather(tensor[..1], [1, 1, 1]);
                sums.Add(all.sum().item<float>());
            }

            return sums;
        });
        var expected = Enumerable.Range(0, 40).Select(i => 3f * (3 + (3 * i)));
        Assert.All(results, sums => Assert.Equal(expected, sums));
    }

    [Fact]
    public void AllReduceSum_ShapesThatDoNotMatch_EndsEveryRank()
    {
        var errors = OnRanks(3, collective => Record.Exception(() =>
        {
            using var tensor = ones(collective.Rank == 1 ? 3 : 2);
            collective.AllReduceSum(tensor);
            collective.AllReduceSum(tensor);
        }));
        Assert.All(errors, Assert.NotNull);
    }

    [Fact]
    public async Task Abort_WhileOthersWait_EndsThemWithItsReasonInTime()
    {
        // The best of a few: a machine with other work may give a thread its turn late.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 20 && best > AbortLimit; i++)
        {
            var took = await AbortAsync();
            best = took < best ? took : best;
        }

        Assert.InRange(best, TimeSpan.Zero, AbortLimit);
    }

    [Fact]
    public async Task Abort_ByAnotherThreadOfTheWaitingRank_EndsItsCall()
    {
        var ends = Create(2);
        try
        {
            using var inCall = new ManualResetEventSlim();
            var waiting = Task.Factory.StartNew(
                () => Record.Exception(() =>
                {
                    using var tensor = ones(1);
                    inCall.Set();
                    ends[0].AllReduceSum(tensor);
                }),
                TaskCreationOptions.LongRunning);
            inCall.Wait();
            ends[0].Abort("rank 1 is missing.");
            var error = Assert.IsType<CollectiveAbortedException>(await waiting);
            Assert.Equal("The ranks no longer work together: rank 1 is missing. They must be formed anew.", error.Message);
            Assert.Throws<CollectiveAbortedException>(ends[0].ThrowIfAborted);
        }
        finally
        {
            End(ends);
        }
    }

    [Fact]
    public void AllReduceSum_AfterAnotherRankHasLeft_Ends()
    {
        var ends = Create(2);
        ends[1].Dispose();
        var error = Record.Exception(() =>
        {
            using var tensor = ones(1);
            ends[0].AllReduceSum(tensor);
            ends[0].AllReduceSum(tensor);
        });
        End(ends);
        Assert.IsType<CollectiveAbortedException>(error);
    }

    /// <summary>The ends of a new replica, one per rank.</summary>
    private protected abstract IReadOnlyList<ICollective> Create(int ranks);

    private protected T[] OnRanks<T>(int ranks, Func<ICollective, T> work) => OnRanks(Create(ranks), work);

    private protected static T[] OnRanks<T>(IReadOnlyList<ICollective> ends, Func<ICollective, T> work)
    {
        var results = new T[ends.Count];
        var errors = new Exception?[ends.Count];
        var threads = ends.Select(end => new Thread(() =>
        {
            errors[end.Rank] = Record.Exception(() => results[end.Rank] = work(end));
            if (errors[end.Rank] is not null)
            {
                end.Abort("the test failed.");
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        End(ends);
        Assert.All(errors, Assert.Null);
        return results;
    }

    private async Task<TimeSpan> AbortAsync()
    {
        var ends = Create(3);
        try
        {
            using var inCall = new CountdownEvent(2);
            var waiting = new[] { 0, 2 }.Select(rank => Task.Factory.StartNew(
                () => Record.Exception(() =>
                {
                    using var tensor = ones(1);
                    inCall.Signal();
                    ends[rank].AllReduceSum(tensor);
                }),
                TaskCreationOptions.LongRunning)).ToArray();
            inCall.Wait();
            Thread.SpinWait(100_000);
            var began = Stopwatch.GetTimestamp();
            ends[1].Abort("rank 1 lost its GPU.");
            var errors = await Task.WhenAll(waiting);
            var took = Stopwatch.GetElapsedTime(began);

            const string Expected = "The ranks no longer work together: rank 1 lost its GPU. They must be formed anew.";
            Assert.All(errors, error => Assert.IsType<CollectiveAbortedException>(error));
            Assert.All(errors, error => Assert.Equal(TellsReasons ? Expected : error!.Message, error!.Message));
            return took;
        }
        finally
        {
            End(ends);
        }
    }

    private static void End(IReadOnlyList<ICollective> ends) => Array.ForEach([.. ends], end => end.Dispose());
}
