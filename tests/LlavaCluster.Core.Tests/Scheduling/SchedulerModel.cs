using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>
/// A scheduler over a fake runner, driven by arrivals, cancels, images that come late, blocks that move to slower memory and back, and
/// steps. After every move it is checked against
/// what must be true of any scheduler: who holds which block, how large a step may be, what each block holds, which token comes next.
/// </summary>
internal sealed partial class SchedulerModel
{
    private const int MaxWaiting = 12;
    private static readonly ImageHash[] Pictures = [.. Enumerable.Range(0, 3).Select(i => ImageHash.Of([(byte)i]))];

    private readonly Random _random;
    private readonly SchedulerLimits _limits;
    private readonly BlockPool _pool;
    private readonly Scheduler _scheduler;
    private readonly FakeModelRunner _runner;
    private readonly PrefixCache _cache;
    private readonly FakeBlockMover _mover;
    private readonly KvTiers _tiers;
    private readonly Dictionary<UInt128, (int, ulong)[]> _contents = [];
    private readonly Queue<(TierMove, TierMoveResult)> _moved = [];
    private readonly Dictionary<Sequence, (int[] Answer, ulong[] States, int Arrived)> _live = [];
    private readonly Dictionary<Sequence, Sequence[]> _unforked = [];
    private readonly List<Sequence> _heldUp = [];
    private readonly List<UInt128[]> _chains = [];
    private long _number;
    private bool _imagesComeLate = true;
    private int _steps;

    public SchedulerModel(int seed)
    {
        _random = new Random(seed);
        var running = _random.Next(1, 6);
        _limits = new SchedulerLimits(running + _random.Next(0, 90), running, 16, 300)
        {
            ChunkTokens = 16 << _random.Next(0, 3),
            MaxOvertakes = _random.Next(0, 5),
        };
        var blocks = _random.Next(19, 36);
        _pool = new BlockPool(blocks);
        _cache = new PrefixCache(_pool);
        _scheduler = new Scheduler(_limits, _pool, _cache) { Preempted = _ => Preemptions++, MayStart = MayStart };
        _runner = new FakeModelRunner(new RunnerCapacity(blocks, 16, 300, FakeModel.Vocabulary));
        _mover = new FakeBlockMover(_runner, _random.Next(1, 60), _random.Next(0, 40))
        {
            // Disks fail, and are slow at times.
            Fails = (move, _) => move is TierMove.ToDisk or TierMove.FromDisk && _random.Next(40) == 0,
            Took = _ => TimeSpan.FromMilliseconds(_random.Next(1, 100)),
        };
        var options = new KvTierOptions
        {
            GroupBlocks = _random.Next(1, 8),
            HostAfter = TimeSpan.FromSeconds(_random.Next(0, 60)),
            DiskAfter = TimeSpan.FromSeconds(_random.Next(0, 60)),
            DiskRetryAfter = TimeSpan.FromSeconds(_random.Next(0, 30)),
        };
        _tiers = new KvTiers(_pool, _cache, _mover, 16, options, (move, result) => _moved.Enqueue((move, result)))
        {
            Promoted = _scheduler.LetGo,
        };
        foreach (var picture in Pictures)
        {
            _runner.LoadImage(FakeFeatureSource.FeaturesOf(picture, 8, 6));
        }
    }

    public int Preemptions { get; private set; }

    public int Cached { get; private set; }

    public int Forks { get; private set; }

    public int HeldUp { get; private set; }

    public TierCounts Tiers => _tiers.Counts;

    public int Forgotten { get; private set; }

    public int Finished { get; private set; }

    /// <summary>One move, then all checks.</summary>
    public void Move(int move)
    {
        switch (move % 12)
        {
            case 0 or 1 when _scheduler.Waiting < MaxWaiting:
                Arrive();
                break;
            case 2 when _live.Count > 0 && move % 3 == 0:
                // One that waits for its fork ends only with its parent.
                var free = _live.Keys.Except(_unforked.Values.SelectMany(children => children)).ToArray();
                Leave(free[_random.Next(free.Length)]);
                break;
            case 3:
                ImagesCome();
                break;
            case 4 or 5 when _mover.Begun.Count > 0:
                EndMove();
                break;
            case 6 when _chains.Count > 0 && move > 12:
                Forget();
                break;
            default:
                Step();
                break;
        }

        CheckBlocks();
        CheckTiers();
    }

    /// <summary>No more arrivals: all must end, and within a bound.</summary>
    public void Drain()
    {
        var bound = 100 + (3 * _live.Keys.Sum(s => s.PromptLength + s.MaxTokens)) + (3 * _unforked.Values.Sum(c => c.Length * 300));
        _imagesComeLate = false;
        ImagesCome();
        for (var steps = 0; _live.Count > 0; steps++)
        {
            Assert.True(steps < bound, $"{_live.Count} sequences have not ended after {bound} steps.");
            // A move may be what everybody waits for.
            var moves = _mover.Begun.Count;
            EndMove();
            Assert.True(Step() > 0 || moves > 0 || _mover.Begun.Count > 0, $"{_live.Count} sequences are there and nothing is computed.");
            CheckBlocks();
            CheckTiers();
        }

        for (var moves = 0; _mover.Begun.Count > 0; moves++)
        {
            Assert.True(moves < 1000, "Blocks are moved for ever.");
            EndMove();
            _tiers.Advance(Now);
        }

        // Then time passes until nothing is due any more; whenever something is, there is something to move.
        for (var moves = 0; _tiers.NextDue() is { } due; moves++)
        {
            Assert.True(moves < 1000, "Blocks are moved for ever.");
            _steps = Math.Max(_steps, (int)Math.Ceiling(due.TotalSeconds));
            _tiers.Advance(Now);
            Assert.NotEmpty(_mover.Begun);
            while (_mover.Begun.Count > 0)
            {
                EndMove();
            }
        }

        Assert.Empty(_tiers.Held);

        Assert.Equal((0, 0, _pool.Total), (_scheduler.Waiting, _scheduler.Running.Count, _pool.Free));
    }

    private void Arrive()
    {
        // Few beginnings and pictures, so that sequences meet in the cache.
        List<int> ids = [.. Enumerable.Repeat(20 + _random.Next(2), _random.Next(1, 40))];
        List<ImageSpan> images = [];
        for (var i = _random.Next(3); i > 0; i--)
        {
            images.Add(new ImageSpan(ids.Count, _random.Next(3, 50), Pictures[_random.Next(Pictures.Length)], 8, 6));
            ids.AddRange(Enumerable.Repeat(FakeModel.Placeholder, images[^1].Length));
            ids.AddRange(Enumerable.Repeat(30 + _random.Next(2), _random.Next(0, 20)));
        }

        var request = new SequenceRequest
        {
            Name = "model",
            TokenIds = ids,
            Images = images,
            Sampling = new SamplingOptions { Temperature = 1 },
            Seed = (ulong)_random.Next(3),
            Turn = 0,
            MaxTokens = _random.Next(1, 100),
            Tenant = "ab"[_random.Next(2)].ToString(),
            Choices = Math.Max(1, _random.Next(-3, 4)),
        };
        var most = AdmissionRule.MaxTokens(request, _limits.MaxPositions, _limits.LongestSequence(_pool.Total));
        var sequences = Enumerable.Range(0, request.Choices)
            .Select(choice => new Sequence(++_number, request, most, 16, choice: choice)).ToArray();
        foreach (var sequence in sequences)
        {
            var answer = FakeModel.Answer(ids, images, most, CounterSeed.Of(request.Seed, sequence.Choice));
            _live.Add(sequence, (answer, FakeModel.States([.. ids, .. answer], images), _steps));
        }

        _scheduler.Enqueue(sequences[0]);
        if (sequences.Length > 1)
        {
            _unforked.Add(sequences[0], sequences[1..]);
        }
    }

    private int Step()
    {
        _steps++;
        for (var taken = _scheduler.TakeUp(); taken.Count > 0; taken = _scheduler.TakeUp())
        {
            foreach (var sequence in taken)
            {
                Begin(sequence);
            }
        }

        // A place is not kept by one that can do nothing with it, nor is one free that somebody could use.
        Assert.DoesNotContain(_scheduler.Running, s => s.HasPlace && s.IsStalled(_limits.ChunkTokens));
        Assert.True(
            _scheduler.Running.Count(s => s.HasPlace) == _limits.MaxRunning
            || _scheduler.Running.All(s => s.HasPlace || s.IsStalled(_limits.ChunkTokens)));
        var parts = _scheduler.Plan();
        var plan = _scheduler.Compose(0, _steps, parts);
        CheckPlan(parts, plan);
        var tokens = new Queue<SampledToken>(_runner.Run(plan).Tokens);
        for (var i = 0; i < parts.Count; i++)
        {
            var (sequence, count) = parts[i];
            var samples = plan.Slices[i].Sample is not null;
            _scheduler.Commit(sequence, count);
            if (samples)
            {
                Take(sequence, tokens.Dequeue().Id);
            }
        }

        _tiers.NotePrefill(plan.Slices.Sum(slice => slice.TokenIds.Length), TimeSpan.FromMilliseconds(_random.Next(1, 100)));
        _tiers.Advance(Now);
        return parts.Count;
    }

    private void Begin(Sequence sequence)
    {
        Cached += sequence.CachedTokens > 0 ? 1 : 0;
        Assert.True(sequence.Computed < sequence.Length);
        foreach (var span in sequence.Request.Images.Where(span => _imagesComeLate && span.End > sequence.Computed && _random.Next(2) == 0))
        {
            sequence.MissingImages.Add(span.Image);
        }
    }

    private void Take(Sequence sequence, int token)
    {
        Assert.Equal(_live[sequence].Answer[sequence.Generated], token);
        if (_unforked.Remove(sequence, out var children))
        {
            foreach (var child in children)
            {
                _scheduler.Fork(sequence, child);
                Forks += child.Started ? 1 : 0;
            }
        }

        sequence.Append(token);
        if (sequence.Generated == sequence.MaxTokens)
        {
            Assert.InRange(_steps - _live[sequence].Arrived, 1, (MaxWaiting + 30) * 150);
            Finished++;
            Leave(sequence);
        }
    }

    private void Leave(Sequence sequence)
    {
        _chains.Add(sequence.Keys.First(sequence.Ids.Span, sequence.Length / 16).ToArray());
        _live.Remove(sequence);
        _heldUp.Remove(sequence);
        _scheduler.Remove(sequence);
        _unforked.Remove(sequence, out var children);
        foreach (var child in children ?? [])
        {
            Leave(child);
        }
    }
}
