using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>
/// Random conversations that share beginnings and images, in a cache that is too small for them, with turns cut off midway: whatever the
/// schedule was, every token is the one that the model gives to that sequence alone.
/// </summary>
public sealed class DecodeLoopRandomTests
{
    private static readonly ImageHash[] Pictures = [.. Enumerable.Range(0, 4).Select(i => ImageHash.Of([(byte)i]))];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(16)]
    public async Task Generate_AnyLoad_AnswersAsAlone(int seed)
    {
        var random = new Random(seed);
        var running = random.Next(1, 6);
        var options = new DecodeLoopOptions
        {
            MaxRunning = running,
            StepTokens = running + random.Next(0, 60),
            IdleImages = random.Next(0, 3),
            MaxWaiting = 100,
        };
        await using var host = await StartAsync(options, blocks: random.Next(24, 60), maxPositions: 360);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => ConverseAsync(host, new Random((seed * 100) + i)))).WaitAsync(Patience);

        await host.UntilAsync(load => load is { Running: 0, Waiting: 0 });
        Assert.Equal(host.Loop.Load.TotalBlocks, host.Loop.Load.FreeBlocks);
        Assert.Empty(host.Observer.Seen);
    }

    private static async Task ConverseAsync(DecodeLoopHost host, Random random)
    {
        // Few different beginnings, so that conversations meet in the cache.
        List<int> ids = [.. Prompt(20, random.Next(2))];
        List<ImageSpan> images = [];
        for (var turn = 0; turn < 4; turn++)
        {
            if (random.Next(2) == 0)
            {
                var length = random.Next(5, 40);
                images.Add(new ImageSpan(ids.Count, length, Pictures[random.Next(Pictures.Length)], length, 6));
                ids.AddRange(Enumerable.Repeat(FakeModel.Placeholder, length));
            }

            ids.AddRange(Prompt(random.Next(1, 20), random.Next(2)));
            var cut = random.Next(3) == 0 ? random.Next(1, 8) : int.MaxValue;
            var answer = new List<int>();
            await foreach (var next in host.Loop.GenerateAsync(Request([.. ids], random.Next(1, 25), [.. images]), default))
            {
                if (next is GenerationEvent.Generated generated)
                {
                    Assert.Equal(answer.Count, generated.Offset);
                    answer.AddRange(generated.Tokens.Select(token => token.Id));
                }

                if (answer.Count >= cut)
                {
                    break;
                }
            }

            Assert.Equal(FakeModel.Answer(ids, images, answer.Count), answer);
            ids.AddRange(answer);
        }
    }
}
