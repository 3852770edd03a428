using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;
using Xunit;

namespace LlavaCluster.Core.Tests.Tiering;

/// <summary>A move of three ranks is one move.</summary>
public sealed class ReplicaMoverTests : IDisposable
{
    private readonly InProcessShardLink _link = new(2);
    private readonly HeldMover _own = new();
    private readonly ReplicaMover _mover;
    private readonly List<(TierMove Move, TierMoveResult Result)> _done = [];

    public ReplicaMoverTests() => _mover = new ReplicaMover(_own, new ReplicaMoves(_link, epoch: 3));

    [Fact]
    public void Begin_RanksAreDoneOneAfterTheOther_IsDoneWithTheLast()
    {
        var move = new TierMove.FromDisk([new(1, 0), new(1, 1), new(1, 2)], [7, 8, 9]);
        _mover.Begin(move, (done, result) => _done.Add((done, result)));
        var number = Sent(1, move);
        Assert.Equal(number, Sent(2, move));

        _link.Answer(2, new MoveAnswer(number, new([0], TimeSpan.FromMilliseconds(5), new IOException("damaged"))));
        _own.End(0, new([2], TimeSpan.FromMilliseconds(1)));
        Assert.Empty(_done);
        _link.Answer(1, new MoveAnswer(number, new([], TimeSpan.FromMilliseconds(3))));

        var (done, result) = Assert.Single(_done);
        Assert.Same(move, done);
        Assert.Equal([0, 2], result.Failed);
        Assert.Equal((TimeSpan.FromMilliseconds(5), "damaged"), (result.Took, result.Error!.Message));
    }

    [Fact]
    public void Begin_MovesEndInAnotherOrder_EachGetsItsOwn()
    {
        TierMove[] moves = [new TierMove.ToHost([1], [0]), new TierMove.FromHost([1], [2])];
        Array.ForEach(moves, move => _mover.Begin(move, (done, result) => _done.Add((done, result))));
        long[] numbers = [.. moves.Select(move => Sent(1, move))];
        foreach (var at in new[] { 1, 0 })
        {
            _link.Answer(1, new MoveAnswer(numbers[at], new([], default)));
            _link.Answer(2, new MoveAnswer(numbers[at], new([], default)));
            _own.End(at, new([], default));
        }

        Assert.Equal(moves.Reverse(), _done.Select(done => done.Move));
    }

    [Fact]
    public void Begin_GroupWasWrittenOnSomeRanksOnly_IsDroppedOnAllBeforeTheNextMove()
    {
        var written = new TierMove.ToDisk([0, 1], 5);
        _mover.Begin(written, (done, result) => _done.Add((done, result)));
        var number = Sent(1, written);
        Sent(2, written);
        _own.End(0, new([], default));
        _link.Answer(1, new MoveAnswer(number, new([], default)));
        _link.Answer(2, new MoveAnswer(number, new([0, 1], default, new IOException("full"))));
        Assert.NotNull(Assert.Single(_done).Result.Error);

        var next = new TierMove.ToHost([1], [0]);
        _mover.Begin(next, (_, _) => { });

        for (var rank = 1; rank <= 2; rank++)
        {
            Sent(rank, new TierMove.Drop(5));
            Sent(rank, next);
        }

        Assert.Equal([new TierMove.Drop(5), next], _own.Begun.Skip(1).Select(begun => begun.Move));
    }

    [Fact]
    public void Leave_RankIsGone_FailsWhatIsUnderWayAndWhatComesLater()
    {
        TierMove[] moves = [new TierMove.FromHost([4, 5], [0, 1]), new TierMove.ToDisk([4], 1)];
        _mover.Begin(moves[0], (done, result) => _done.Add((done, result)));

        _link.Leave(2, "no memory");
        _mover.Begin(moves[1], (done, result) => _done.Add((done, result)));
        _own.End(0, new([], default)); // too late

        Assert.Equal(moves, _done.Select(done => done.Move));
        Assert.Equal([[0, 1], [0]], _done.Select(done => done.Result.Failed));
        Assert.All(_done, done => Assert.Equal("Rank 2 is gone: no memory", done.Result.Error!.Message));
        Assert.Single(_own.Begun);
    }

    public void Dispose() => _link.Dispose();

    private long Sent(int rank, TierMove move)
    {
        var message = Assert.IsType<ShardMessage.Move>(_link.Receive(rank, default));
        Assert.Equal((3, move), (message.Epoch, message.What));
        return message.Number;
    }

    /// <summary>Moves end when the test says so.</summary>
    private sealed class HeldMover : IBlockMover
    {
        public long BlockBytes => 1;

        public int HostSlots => 4;

        public int DiskBlocks => 4;

        public List<(TierMove Move, Action<TierMove, TierMoveResult> Done)> Begun { get; } = [];

        public void Begin(TierMove move, Action<TierMove, TierMoveResult> done) => Begun.Add((move, done));

        public void End(int index, TierMoveResult result) => Begun[index].Done(Begun[index].Move, result);
    }
}
