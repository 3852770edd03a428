using LlavaCluster.Model.Kernels;
using Xunit;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>Decoding and encoding take turns, by a clock that only tests move.</summary>
public sealed class ProcessorTurnsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(12);

    private readonly HeldTime _time = new();
    private readonly ProcessorTurns _turns;

    public ProcessorTurnsTests() => _turns = new ProcessorTurns(_time);

    [Fact]
    public async Task GiveWay_WhileAStepIsComputed_WaitsForItsEnd()
    {
        _turns.BeginTower();
        _turns.GiveWay(); // no step: at once
        _turns.BeginStep();
        _turns.BeginStep();
        var way = Task.Run(_turns.GiveWay);
        _turns.EndStep();
        Assert.False(way.IsCompleted); // the other rank still computes
        _turns.EndStep();
        await way.WaitAsync(Patience);
    }

    [Fact]
    public void GiveWay_ThreadWakesWhenTheNextStepHasBegun_DoesAPieceAllTheSame()
    {
        _turns.BeginTower();
        _turns.BeginStep();
        using var waits = new Waiter(_turns.GiveWay);
        for (var step = 0; step < 100; step++)
        {
            waits.UntilAsleep();
            var pieces = waits.Passed;

            // No gap at all: whoever waited for this step's end has waited long enough.
            _turns.EndStep();
            _time.Advance(_turns.Owed);
            _turns.BeginStep();

            Assert.True(waits.UntilPassed(pieces + 1), $"no piece beside step {step}");
            _time.Advance(Step);
        }

        _turns.EndStep();
    }

    [Fact]
    public void GiveWay_StepTakesLong_WaitsNoLonger()
    {
        _turns.BeginTower();
        _turns.BeginStep();
        _time.Advance(ProcessorTurns.Patience);
        _turns.GiveWay();
        _time.Advance(TimeSpan.FromHours(1));
        _turns.EndStep();

        // Nor is it paid for the rest of that step, beside which it computed.
        Assert.Equal(ProcessorTurns.Share * ProcessorTurns.Patience, _turns.Owed);
    }

    [Fact]
    public void Owed_StepsOneBehindTheOther_GivesTheTowerItsShareOfTheTime()
    {
        _turns.BeginTower();
        var (steps, gaps) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var step = 0; step < 1000; step++)
        {
            // Short ones and long ones: what one step is too short for is paid behind the next.
            var took = TimeSpan.FromMilliseconds(step % 7);
            _turns.BeginStep();
            _time.Advance(took);
            _turns.EndStep();
            var gap = _turns.Owed;
            _time.Advance(gap);
            (steps, gaps) = (steps + took, gaps + gap);
        }

        Assert.InRange(gaps - (ProcessorTurns.Share * steps), -ProcessorTurns.Shortest, ProcessorTurns.Shortest);
    }

    [Fact]
    public void Owed_TowerHadALongRestOfTheDecoder_IsOwedAgainAfterAFewSteps()
    {
        _turns.BeginTower();
        _time.Advance(TimeSpan.FromMinutes(1));
        var steps = 0;
        for (; _turns.Owed == TimeSpan.Zero; steps++)
        {
            _turns.BeginStep();
            _time.Advance(Step);
            _turns.EndStep();
        }

        Assert.Equal(Math.Ceiling((ProcessorTurns.MostAhead + ProcessorTurns.Shortest) / (ProcessorTurns.Share * Step)), steps);
    }

    [Fact]
    public async Task BeginStep_TowerHasTimeComing_WaitsNoLongerThanTheTower()
    {
        _turns.BeginTower();
        _turns.BeginStep(); // nothing is owed yet
        _time.Advance(ProcessorTurns.Patience);
        _turns.EndStep();
        var step = Task.Run(_turns.BeginStep);
        _turns.GiveWay();
        _turns.EndTower();
        await step.WaitAsync(Patience);
        Assert.Equal(TimeSpan.Zero, _turns.Owed);
    }

    [Fact]
    public void BeginStep_NoTower_OwesNothing()
    {
        _turns.BeginStep();
        _time.Advance(TimeSpan.FromHours(1));
        _turns.EndStep();
        _turns.BeginTower();
        Assert.Equal(TimeSpan.Zero, _turns.Owed);
        _turns.BeginStep(); // would wait
    }

    /// <summary>A clock that is moved by hand.</summary>
    private sealed class HeldTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _now);

        public void Advance(TimeSpan by) => Interlocked.Add(ref _now, by.Ticks);
    }

    /// <summary>A thread of a tower: gives way before each piece.</summary>
    private sealed class Waiter : IDisposable
    {
        private readonly Thread _thread;
        private int _passed;
        private volatile bool _ending;

        public Waiter(Action giveWay)
        {
            _thread = new Thread(() =>
            {
                while (!_ending)
                {
                    giveWay();
                    Interlocked.Increment(ref _passed);
                }
            })
            { IsBackground = true };
            _thread.Start();
        }

        public int Passed => Volatile.Read(ref _passed);

        public void UntilAsleep() => Assert.True(SpinWait.SpinUntil(() => _thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin), Patience));

        public bool UntilPassed(int pieces) => SpinWait.SpinUntil(() => Passed >= pieces, Patience);

        public void Dispose() => _ending = true;
    }
}
