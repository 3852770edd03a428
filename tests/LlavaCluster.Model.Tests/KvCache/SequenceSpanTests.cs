using LlavaCluster.Model.KvCache;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.KvCache;

public sealed class SequenceSpanTests
{
    /// <summary>Whatever form it takes, a span lets token i look at j when j ≤ i and, with a window, i − j &lt; window.</summary>
    [Fact]
    public void Of_AnyStartLengthAndWindow_AllowsExactlyTheRule()
    {
        int[] blocks = [4, 9, 2, 7];
        foreach (var start in new[] { 0, 1, 15, 16, 17, 40 })
        {
            foreach (var length in new[] { 1, 2, 16, 23 })
            {
                foreach (var window in new int?[] { null, 1, 2, 16, 20, 63, 64 })
                {
                    using var scope = NewDisposeScope();
                    var span = Span(start, length, window, blocks);
                    for (var query = start; query < start + length; query++)
                    {
                        for (var key = 0; key < start + length; key++)
                        {
                            var wanted = key <= query && !(query - key >= window);
                            Assert.True(wanted == Allows(span, query, key), $"start {start}, length {length}, window {window}: {query} → {key}");
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public void Of_WindowPastTheFirstBlocks_NamesOnlyTheBlocksInIt()
    {
        using var scope = NewDisposeScope();
        var span = Span(50, 2, 20, [4, 9, 2, 7]);
        Assert.Equal(31, span.FirstKey);
        Assert.Equal([9, 2, 7], span.Blocks.data<long>().ToArray());
    }

    private static SequenceSpan Span(int start, int length, int? window, int[] blocks)
    {
        var reach = SpanReach.Of(start, length, window);
        return SequenceSpan.Of(0, reach, tensor(blocks.AsSpan(reach.FirstBlock, reach.BlockCount).ToArray().Select(b => (long)b).ToArray()));
    }

    private static bool Allows(SequenceSpan span, int query, int key)
        => key >= span.FirstKey && (span.Mask is { } mask
            ? mask[query - span.Start, key - span.FirstKey].item<bool>()
            : !span.Causal || key <= query);
}
