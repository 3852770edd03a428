using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;
using static LlavaCluster.Core.Tests.Moving.TwoReplicas;

namespace LlavaCluster.Core.Tests.Moving;

/// <summary>A conversation that one engine has computed goes on at another, which fetches its KV.</summary>
public sealed class KvMoveTests
{
    [Fact]
    public async Task Generate_ConversationOfAnotherReplica_FindsItsKv()
    {
        await using var replicas = await PairAsync();
        var next = await replicas.TalkAsync();

        // As if it had never been elsewhere: neither the image nor anything before the new words is computed.
        Assert.Equal(96, await replicas.GoOnAsync(next));

        Assert.Empty(replicas.New.Features.Asked);
        Assert.Equal(["fetched 6 of 6, 0 damaged, 1 connections"], replicas.New.Observer.Seen);
        var counts = replicas.New.Loop.Load.Moves!;
        Assert.Equal((1, 6, 6 * 256, 0), (counts.Moves, counts.Blocks, counts.Bytes, counts.Failed));
        Assert.True(counts.Rate > 0);
    }

    [Fact]
    public async Task Generate_SomeOfItIsHere_FetchesTheRest()
    {
        await using var replicas = await PairAsync();
        var next = await replicas.TalkAsync();
        // Two whole blocks, with the image's beginning in them.
        await replicas.New.TokensAsync(Request(next[..40], 1, Picture));
        Assert.Equal(96, await replicas.GoOnAsync(next));
        Assert.Equal(["fetched 4 of 4, 0 damaged, 1 connections"], replicas.New.Observer.Seen);

        // All of it is here now: nobody is asked.
        Assert.Equal(96, await replicas.GoOnAsync(next));
        Assert.Single(replicas.New.Observer.Seen);
    }

    [Fact]
    public async Task Generate_StreamBreaks_GoesOnBehindWhatCame()
    {
        var calls = 0;
        await using var replicas = await PairAsync(new KvMoveOptions
        {
            Secure = (stream, _) => ++calls == 1 ? new FaultyStream(stream, AnswerBytes + (2 * SentBlockBytes) + 100) : stream,
        });

        Assert.Equal(96, await replicas.GoOnAsync(await replicas.TalkAsync()));

        Assert.Equal(["fetched 6 of 6, 0 damaged, 2 connections"], replicas.New.Observer.Seen);
    }

    [Fact]
    public async Task Generate_StreamBreaksAtOnce_IsComputed()
    {
        await using var replicas = await PairAsync(new KvMoveOptions { Secure = (stream, _) => new FaultyStream(stream, AnswerBytes + 100) });

        Assert.Equal(0, await replicas.GoOnAsync(await replicas.TalkAsync()));

        // Another attempt would bring no more.
        Assert.StartsWith("fetched 0 of 6, 0 damaged, 1 connections: ", Assert.Single(replicas.New.Observer.Seen));
    }

    [Fact]
    public async Task Generate_BlockComesDamaged_IsDroppedAndTheRestTaken()
    {
        await using var replicas = await PairAsync(new KvMoveOptions
        {
            Secure = (stream, _) => new FaultyStream(stream, changed: AnswerBytes + (2 * SentBlockBytes) + 40 + 77),
        });

        Assert.Equal(32, await replicas.GoOnAsync(await replicas.TalkAsync()));

        Assert.Equal(["fetched 5 of 6, 1 damaged, 1 connections"], replicas.New.Observer.Seen);
        Assert.Equal(1, replicas.New.Loop.Load.Moves!.Damaged);
    }

    [Theory]
    [InlineData("checkpoint c0ffee, the caller has dec0de", "dec0de", 1, "float32", "fast", 16, 1)]
    [InlineData("tensor-parallel 1, the caller has 2", "c0ffee", 2, "float32", "fast", 16, 1)]
    [InlineData("dtype float32, the caller has bfloat16", "c0ffee", 1, "bfloat16", "fast", 16, 1)]
    [InlineData("kernels fast, the caller has torch", "c0ffee", 1, "float32", "torch", 16, 1)]
    [InlineData("block size 16, the caller has 32", "c0ffee", 1, "float32", "fast", 32, 1)]
    [InlineData("layers 1, the caller has 2", "c0ffee", 1, "float32", "fast", 16, 2)]
    public async Task Generate_OtherReplicaIsNotAlike_IsToldWhatDiffersAndComputes(
        string what, string checkpoint, int ranks, string dtype, string kernels, int blockTokens, int layers)
    {
        await using var replicas = await PairAsync(caller: new KvShape(checkpoint, ranks, dtype, kernels, blockTokens, layers));

        Assert.Equal(0, await replicas.GoOnAsync(await replicas.TalkAsync()));

        Assert.Equal(
            [$"fetched 0 of 6, 0 damaged, 1 connections: This replica has {what}. KV moves between replicas that are started alike."],
            replicas.New.Observer.Seen);
    }

    [Fact]
    public async Task Generate_OtherReplicaHasForgotten_IsComputed()
    {
        await using var replicas = await PairAsync();
        var next = await replicas.TalkAsync();
        Assert.Equal(6, await replicas.Old.Loop.ForgetAsync(Request(next, 1, Picture)).WaitAsync(Patience));

        Assert.Equal(0, await replicas.GoOnAsync(next));

        Assert.Equal(["fetched 0 of 6, 0 damaged, 1 connections"], replicas.New.Observer.Seen);
    }

    [Fact]
    public async Task Generate_ManyAtOnce_AllGoOnWhetherTheyAreServedOrTurnedAway()
    {
        await using var replicas = await PairAsync(new KvMoveOptions { MostCallers = 3 }, blocks: 512);
        var turns = new List<int[]>();
        for (var salt = 0; salt < 20; salt++)
        {
            turns.Add(await replicas.TalkAsync(salt));
        }

        var cached = await Task.WhenAll(turns.Select(replicas.GoOnAsync));

        Assert.All(cached, tokens => Assert.Contains(tokens, new[] { 0, 96 }));
        Assert.Contains(96, cached);
        Assert.All(replicas.New.Observer.Seen, told => Assert.True(
            told is "fetched 6 of 6, 0 damaged, 1 connections" || told.StartsWith("fetched 0 of 6, 0 damaged, 1 connections: ", StringComparison.Ordinal),
            told));
    }

    [Fact]
    public async Task Generate_ForkOfAConversationThatIsOnItsWay_WaitsForTheSameMove()
    {
        var source = new GatedSource();
        await using var replicas = await PairAsync(source: source.Over);
        var next = await replicas.TalkAsync();
        var first = replicas.GoOnAsync(next);
        await source.ArrivedAsync();
        var second = replicas.GoOnAsync([.. next[..110], .. Prompt(2, 8)]);
        await replicas.New.UntilAsync(load => load.Waiting == 2);
        // Nobody else waits with them.
        var other = Prompt(30, 7);
        Assert.Equal(FakeModel.Answer(other, [], 5), await replicas.New.TokensAsync(Request(other, 5)));

        source.Open();

        Assert.Equal((96, 96), (await first, await second));
        Assert.Equal(1, source.Orders);
    }

    [Fact]
    public async Task Generate_CancelledWhileItsKvIsOnItsWay_LeavesNothingHeld()
    {
        var source = new GatedSource();
        await using var replicas = await PairAsync(source: source.Over);
        var next = await replicas.TalkAsync();
        using var cancel = new CancellationTokenSource();
        var turn = replicas.New.AllAsync(replicas.From(next), cancel.Token);
        await source.ArrivedAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turn);

        source.Open();

        await replicas.New.UntilAsync(load => load is { FreeBlocks: 64, Waiting: 0 } && load.Moves!.Blocks == 6);
        // It came all the same: who asks again finds it.
        Assert.Equal(96, await replicas.GoOnAsync(next));
    }

    [Fact]
    public async Task Forget_ConversationIsOnItsWay_IsNotKept()
    {
        var source = new GatedSource();
        await using var replicas = await PairAsync(source: source.Over);
        var next = await replicas.TalkAsync();
        using var cancel = new CancellationTokenSource();
        var turn = replicas.New.AllAsync(replicas.From(next), cancel.Token);
        await source.ArrivedAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turn);
        var conversation = Request(next, 10, Picture);

        Assert.Equal(0, await replicas.New.Loop.ForgetAsync(conversation).WaitAsync(Patience));
        source.Open();

        await replicas.New.UntilAsync(load => load.Moves!.Blocks == 6);
        Assert.Equal(new GenerationEvent.Started(112, 0), (await replicas.New.AllAsync(conversation).WaitAsync(Patience))[0]);
    }

    [Fact]
    public async Task Lend_BlocksAreHeldUntilTheLoanEnds_ThenADeletedConversationIsForgotten()
    {
        await using var host = await StartAsync(blocks: 12);
        var conversation = Request(Conversation(), 10, Picture);
        await host.TokensAsync(conversation);
        var keys = new BlockKeys(16, "", Picture).First(Conversation(), 6).ToArray();
        var loan = await host.Loop.LendAsync([.. keys, 77]).WaitAsync(Patience);

        Assert.Equal([0, 1, 2, 3, 4, 5], loan!.Blocks.Select(block => block.Index));
        await host.UntilAsync(load => load.FreeBlocks == 6);
        // A prompt that needs them waits for nothing but room.
        await host.TokensAsync(Request(Prompt(80, 5), 5));
        Assert.Equal(0, await host.Loop.ForgetAsync(conversation).WaitAsync(Patience));
        loan.Dispose();
        loan.Dispose();

        await host.UntilAsync(load => load.FreeBlocks == 12);
        Assert.Equal(new GenerationEvent.Started(100, 0), (await host.AllAsync(conversation).WaitAsync(Patience))[0]);
    }

    [Fact]
    public async Task Generate_MovesAreSlowerThanComputing_AreLeft()
    {
        await using var replicas = await PairAsync(source: inner => new SlowSource(inner), blocks: 128);
        replicas.New.Runner.BeforeStep = _ => replicas.New.Time.Advance(TimeSpan.FromMilliseconds(1));
        var (first, second) = (await replicas.TalkAsync(1), await replicas.TalkAsync(2));

        // Nothing is known of its computing yet: it is tried.
        Assert.Equal(96, await replicas.GoOnAsync(first));
        Assert.Equal(0, await replicas.GoOnAsync(second));

        var counts = replicas.New.Loop.Load.Moves!;
        Assert.Equal((1, 1), (counts.Moves, counts.NotWorthMoving));
        Assert.InRange(counts.Rate, 0.1, 1);
        Assert.True(counts.PrefillRate > 1000);
    }

    /// <summary>Says that a move took an hour.</summary>
    private sealed class SlowSource(IKvSource inner) : IKvSource
    {
        public KvMoveOptions Options => inner.Options;

        public Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken) => inner.HoldAsync(order, cancellationToken);

        public async Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken) =>
            await inner.FetchAsync(order, cancellationToken) with { Took = TimeSpan.FromHours(1) };
    }

    /// <summary>Fetches when a test lets it.</summary>
    private sealed class GatedSource : IKvSource
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private IKvSource? _inner;
        private int _orders;

        public KvMoveOptions Options => _inner!.Options;

        public int Orders => Volatile.Read(ref _orders);

        public IKvSource Over(IKvSource inner)
        {
            _inner = inner;
            return this;
        }

        public Task ArrivedAsync() => _arrived.Task.WaitAsync(Patience);

        public Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken) => _inner!.HoldAsync(order, cancellationToken);

        public void Open() => _open.TrySetResult();

        public async Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _orders);
            _arrived.TrySetResult();
            await _open.Task.WaitAsync(Patience, cancellationToken);
            return await _inner!.FetchAsync(order, cancellationToken);
        }
    }
}
