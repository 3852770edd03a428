using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>Nobody is stuck behind somebody else: tenants, long and short prompts.</summary>
public sealed class FairnessTests
{
    [Fact]
    public void TakeUp_TwoTenants_AreServedInTurn()
    {
        var host = new SchedulerHost(maxRunning: 4);
        var greedy = Enumerable.Range(0, 10).Select(i => host.Enqueue(20, start: 100 + (i * 50), tenant: "greedy")).ToArray();
        var modest = Enumerable.Range(0, 2).Select(i => host.Enqueue(20, start: 2000 + (i * 50), tenant: "modest")).ToArray();

        Assert.Equal([greedy[0], modest[0], greedy[1], modest[1]], host.Scheduler.TakeUp());
    }

    [Fact]
    public void TakeUp_TenantOfLongPrompts_PaysByTheToken()
    {
        var host = new SchedulerHost(maxRunning: 5);
        var long_ = Enumerable.Range(0, 3).Select(i => host.Enqueue(90, start: 100 + (i * 100), tenant: "long")).ToArray();
        var brief = Enumerable.Range(0, 5).Select(i => host.Enqueue(30, start: 2000 + (i * 50), tenant: "brief")).ToArray();

        // 90 tokens of the one against 3 × 30 of the other.
        Assert.Equal([long_[0], brief[0], brief[1], brief[2], long_[1]], host.Scheduler.TakeUp());
    }

    [Fact]
    public void TakeUp_AnswersOfTheOther_ArePaidToo()
    {
        var host = new SchedulerHost(maxRunning: 2);
        host.Enqueue(20, tenant: "talks");
        for (var i = 0; i < 50; i++)
        {
            host.Step();
        }

        var more = host.Enqueue(20, start: 500, tenant: "talks");
        var quiet = host.Enqueue(60, start: 800, tenant: "quiet");

        Assert.True(more.Number < quiet.Number);
        Assert.Equal([quiet], host.Scheduler.TakeUp());
    }

    [Fact]
    public void TakeUp_WhoWasAway_HasNotSavedUp()
    {
        var host = new SchedulerHost(maxRunning: 1);
        host.Scheduler.Remove(TakeUpOne(host, host.Enqueue(10, tenant: "away")));
        for (var i = 0; i < 5; i++)
        {
            host.Scheduler.Remove(TakeUpOne(host, host.Enqueue(50, start: 100 + (i * 60), tenant: "here")));
        }

        // "here" was given 250 tokens meanwhile, 240 more than the other; only the last of its prompts still counts.
        var away = Enumerable.Range(0, 3).Select(i => host.Enqueue(50, start: 1000 + (i * 60), tenant: "away")).ToArray();
        var here = Enumerable.Range(0, 3).Select(i => host.Enqueue(50, start: 2000 + (i * 60), tenant: "here")).ToArray();
        var order = new List<Sequence>();
        for (var i = 0; i < 6; i++)
        {
            order.Add(host.Scheduler.TakeUp().Single());
            host.Scheduler.Remove(order[^1]);
        }

        Assert.Equal([away[0], away[1], here[0], away[2], here[1], here[2]], order);
    }

    [Fact]
    public void Plan_ShortPromptBehindALongOne_HasItsTokenSoon()
    {
        var host = new SchedulerHost(stepTokens: 72, blocks: 200, chunkTokens: 16);
        host.Enqueue(1000);
        host.Step();
        host.Enqueue(40, start: 2000);

        // The long one goes on with half of the step, cut to the grid.
        Assert.Equal([(1, 32), (2, 40)], host.Parts().Order());
        Assert.Equal([(1, 64), (2, 1)], host.Parts().Order());
    }

    [Fact]
    public void Plan_ManyShortPrompts_TheLongOneKeepsHalfOfEachStep()
    {
        var host = new SchedulerHost(stepTokens: 72, blocks: 400, chunkTokens: 16);
        var longOne = host.Enqueue(640);
        var steps = 0;
        for (; longOne.Generated == 0; steps++)
        {
            var brief = host.Enqueue(60, start: 1000 + (steps * 20));
            host.Step();
            foreach (var done in host.Scheduler.Running.Where(s => s != longOne && s.Generated > 0).ToArray())
            {
                host.Scheduler.Remove(done);
            }
        }

        Assert.InRange(steps, 10, 640 / 32);
    }

    [Fact]
    public void TakeUp_LongPromptFindsNoBlocks_IsOvertakenOnlySoOften()
    {
        var host = new SchedulerHost(blocks: 12, maxRunning: 3, maxOvertakes: 4);
        host.Enqueue(16);
        host.Enqueue(16, start: 200);
        host.Scheduler.TakeUp();
        var longOne = host.Enqueue(170, start: 300);
        var overtaken = 0;
        for (var i = 0; i < 20 && !longOne.Started; i++)
        {
            host.Enqueue(16, start: 1000 + (i * 20));
            overtaken += host.Scheduler.TakeUp().Count(s => s != longOne);
            host.Scheduler.Remove(host.Scheduler.Running[0]);
        }

        Assert.True(longOne.Started);
        Assert.Equal(4, overtaken);
    }

    private static Sequence TakeUpOne(SchedulerHost host, Sequence sequence)
    {
        Assert.Equal([sequence], host.Scheduler.TakeUp());
        return sequence;
    }
}
