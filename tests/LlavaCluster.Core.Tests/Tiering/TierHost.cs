using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tests.Engine;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;

namespace LlavaCluster.Core.Tests.Tiering;

/// <summary>Tiers over a pool and a fake mover, without a scheduler: conversations come and go as chains of keys.</summary>
internal sealed class TierHost
{
    private readonly FakeModelRunner _runner;
    private readonly Queue<(TierMove, TierMoveResult)> _moved = [];
    private long _number;

    public TierHost(int blocks = 16, int slots = 16, int disk = 0, KvTierOptions? options = null)
    {
        _runner = new FakeModelRunner(new RunnerCapacity(blocks, 16, 4096, FakeModel.Vocabulary));
        Mover = new FakeBlockMover(_runner, slots, disk);
        Pool = new BlockPool(blocks);
        Cache = new PrefixCache(Pool);
        Tiers = new KvTiers(Pool, Cache, Mover, 16, options ?? new KvTierOptions(), (move, result) => _moved.Enqueue((move, result)))
        {
            Promoted = Promoted.Add,
            Failed = (_, error) => Errors.Add(error.Message),
        };
    }

    public FakeBlockMover Mover { get; }

    public BlockPool Pool { get; }

    public PrefixCache Cache { get; }

    public KvTiers Tiers { get; }

    public List<Sequence> Promoted { get; } = [];

    public List<string> Errors { get; } = [];

    public TimeSpan Now { get; set; }

    /// <summary>A conversation of so many full blocks and a token.</summary>
    public Sequence Conversation(int blocks, int salt) =>
        new(++_number, DecodeLoopHost.Request(DecodeLoopHost.Prompt((blocks * 16) + 1, salt)), 10, 16);

    public static UInt128[] KeysOf(Sequence sequence) => sequence.ShareableKeys(16).ToArray();

    /// <summary>Computes a conversation, as far as it is not known, and leaves it.</summary>
    /// <returns>Blocks that were known.</returns>
    public int Compute(Sequence sequence)
    {
        var keys = KeysOf(sequence);
        var held = new List<int>();
        var known = Cache.Match(keys, held);
        Pool.TryTake(keys.Length - known, held);
        for (var i = known; i < keys.Length; i++)
        {
            for (var place = 0; place < 16; place++)
            {
                _runner.Block(held[i])[place] = ((i * 16) + place, (ulong)keys[i]);
            }

            Cache.Publish(held[i], keys[i], i == 0 ? default : keys[i - 1]);
        }

        for (var i = held.Count - 1; i >= 0; i--)
        {
            Pool.Return(held[i]);
        }

        return known;
    }

    /// <summary>Lets all moves that are due begin and end.</summary>
    public void Settle()
    {
        Tiers.Advance(Now);
        while (Mover.Begun.Count > 0 || _moved.Count > 0)
        {
            End();
            Tiers.Advance(Now);
        }
    }

    /// <summary>Ends the move that began first.</summary>
    public void End()
    {
        if (Mover.Begun.Count > 0)
        {
            Mover.End(0);
        }

        while (_moved.TryDequeue(out var moved))
        {
            Tiers.Done(moved.Item1, moved.Item2, Now);
        }
    }
}
