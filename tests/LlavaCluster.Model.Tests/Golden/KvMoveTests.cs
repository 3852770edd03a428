using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using TorchSharp;
using Xunit;
using Xunit.Abstractions;
using static LlavaCluster.Model.Tests.Golden.TierTests;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// A conversation about a picture that goes on at another replica, with the KV of the one that computed it, has the tokens and the
/// log-probabilities, bit for bit, of one that stayed.
/// </summary>
public sealed class KvMoveTests(ITestOutputHelper output)
{
    private static readonly KvMoveOptions Patient = new()
    {
        ConnectPatience = TimeSpan.FromSeconds(30),
        AnswerPatience = TimeSpan.FromSeconds(30),
        Silence = TimeSpan.FromSeconds(30),
    };

    [Theory]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Torch)]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Fast)]
    [InlineData("mistral", torch.ScalarType.BFloat16, KernelChoice.Fast)]
    [InlineData("yi", torch.ScalarType.BFloat16, KernelChoice.Fast)]
    public async Task Generate_KvCameFromAnotherReplica_GivesTheBitsOfAHotTurn(string checkpoint, torch.ScalarType type, KernelChoice kernels)
    {
        var model = GoldenModel.OnCpu(checkpoint, type);
        var golden = model.Case("strip");
        var first = RequestOf(model, golden, golden.TokenIds);
        var second = RequestOf(model, golden, [.. golden.TokenIds, .. golden.Tokens[..1], .. golden.TokenIds[^9..]]);
        var hot = await HotAsync(model, kernels, golden, first, second);
        var shape = new KvShape(checkpoint, 1, $"{type}", $"{kernels}", ModelRunner.BlockTokens, model.Config.Text.Layers);
        var (options, observer) = (new DecodeLoopOptions(), new NoObserver());
        await using var old = LoopOf(model, golden, options, observer, () => model.Runner(blocks: 1024, kernels: kernels));
        await old.StartAsync();
        await AskAsync(old, first);
        await using var server = new KvServer(IPAddress.Loopback, shape, old, new KvMoveOptions());
        await using var other = LoopOf(
            model,
            golden,
            options,
            observer,
            () => model.Runner(blocks: 1024, kernels: kernels),
            moves: new KvClient(shape, Patient, TimeProvider.System));
        await other.StartAsync();

        var moved = await AskAsync(other, second with { KvFrom = [server.Address.ToString()] });

        output.WriteLine($"{moved.Cached} of {second.TokenIds.Count} tokens cached, {other.Load.Moves}");
        Assert.Equal(hot.Tokens, moved.Tokens);
        Assert.Equal((hot.Cached, hot.Cached / ModelRunner.BlockTokens), (moved.Cached, (int)other.Load.Moves!.Blocks));
        Assert.True(moved.Cached > 0);
    }

    [Theory]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Fast)]
    [InlineData("mistral", torch.ScalarType.Float32, KernelChoice.Torch)]
    [InlineData("yi", torch.ScalarType.BFloat16, KernelChoice.Fast)]
    public async Task Generate_KvOfTwoRanksCameFromAnotherReplica_GivesTheBitsOfAHotTurn(
        string checkpoint, torch.ScalarType type, KernelChoice kernels)
    {
        var model = GoldenModel.OnCpu(checkpoint, type);
        var golden = model.Case("strip");
        var first = RequestOf(model, golden, golden.TokenIds);
        var second = RequestOf(model, golden, [.. golden.TokenIds, .. golden.Tokens[..1], .. golden.TokenIds[^9..]]);
        var shape = new KvShape(checkpoint, 2, $"{type}", $"{kernels}", ModelRunner.BlockTokens, model.Config.Text.Layers);
        var lent = new LentParts();
        await using var old = await ReplicaAsync(lent);
        await RankTierTests.AskAsync(old, first);
        await using var server = new KvServer(IPAddress.Loopback, shape, old.Loop, Patient, lent);
        await using var other = await ReplicaAsync(new LentParts());
        var address = server.Address.ToString();

        var moved = await RankTierTests.AskAsync(other, second with { KvFrom = [address, address] });

        var hot = await RankTierTests.AskAsync(old, second);
        output.WriteLine($"{moved.Cached} of {second.TokenIds.Count} tokens cached, {other.Loop.Load.Moves}");
        Assert.Equal(hot.Tokens, moved.Tokens);
        Assert.Equal((hot.Cached, hot.Cached / ModelRunner.BlockTokens), (moved.Cached, (int)other.Loop.Load.Moves!.Blocks));
        Assert.True(moved.Cached > 0);

        Task<RankTierTests.Replica> ReplicaAsync(LentParts parts) => RankTierTests.Replica.StartAsync(
            model,
            golden,
            new DecodeLoopOptions(),
            end => model.Runner(end, blocks: 1024, kernels: kernels),
            new KvClient(shape, Patient, TimeProvider.System),
            parts);
    }

    [Fact]
    public void Bytes_FormationIsOver_AreNotTouchedAndTheNextHasItsOwn()
    {
        var model = GoldenModel.OnCpu("vicuna");
        using var runner = model.Runner(blocks: 4);
        var bytes = runner.Bytes!;
        var block = new byte[bytes.BlockBytes];
        runner.CloseTiers();
        Assert.Null(runner.Bytes);

        runner.OpenTiers(default, null);

        Assert.Throws<ObjectDisposedException>(() => bytes.Write(3, block));
        runner.Bytes!.Write(3, block);
    }

    [Fact]
    public void Bytes_RunnerHasEnded_AreNotTouched()
    {
        var model = GoldenModel.OnCpu("vicuna");
        var runner = model.Runner(blocks: 4);
        var bytes = runner.Bytes!;
        var block = new byte[bytes.BlockBytes];
        bytes.Read(3, block);
        Assert.Throws<ArgumentException>(() => bytes.Read(3, block.AsSpan(1)));
        runner.Dispose();

        Assert.Throws<ObjectDisposedException>(() => bytes.Read(3, block));
        Assert.Throws<ObjectDisposedException>(() => bytes.Write(3, block));
    }
}
