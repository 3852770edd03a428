using LlavaCluster.Core.Tiering;
using Xunit;
using static LlavaCluster.Core.Tests.Tiering.TierHost;

namespace LlavaCluster.Core.Tests.Tiering;

public sealed class KvTiersTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Advance_PlentyOfRoom_CopiesWhatWasIdleForLong()
    {
        var host = new TierHost(blocks: 64);
        host.Compute(host.Conversation(6, 1));
        host.Tiers.Advance(host.Now);
        Assert.Empty(host.Mover.Begun);
        Assert.Equal(10 * Second, host.Tiers.NextDue());

        host.Now = 10 * Second;
        host.Settle();

        Assert.Equal((6, 6), (host.Tiers.Counts.Device, host.Tiers.Counts.Host));
        Assert.Null(host.Tiers.NextDue());
    }

    [Fact]
    public void Advance_LittleCanBeTakenWithoutLoss_CopiesTheOldestAtOnce()
    {
        var host = new TierHost(blocks: 16);
        host.Compute(host.Conversation(14, 1));

        host.Settle();

        // A quarter of the pool: two that are empty, and two that are saved. The end of a conversation goes first.
        var move = Assert.IsType<TierMove.ToHost>(Assert.Single(host.Mover.All));
        Assert.Equal([13, 12], move.Blocks);
        Assert.Equal(2, host.Tiers.Counts.Host);
    }

    [Fact]
    public void Promote_BlocksBelow_BringsThemBackBehindTheKnownOnes()
    {
        var host = new TierHost(blocks: 16);
        var first = host.Conversation(8, 1);
        host.Compute(first);
        host.Now = 10 * Second;
        host.Settle();
        host.Compute(host.Conversation(12, 2));
        Assert.Equal(4, host.Cache.Find(KeysOf(first)).Known);

        Assert.True(host.Tiers.Promote(first, KeysOf(first)));
        Assert.Equal((8, 8), (host.Pool.Used, host.Tiers.Held.Count()));
        Assert.Empty(host.Promoted);
        host.Settle();

        Assert.Equal([first], host.Promoted);
        Assert.Equal((0, 4L), (host.Pool.Used, host.Tiers.Counts.FromHost));
        Assert.Equal(8, host.Compute(first));
    }

    [Fact]
    public void Promote_OthersWantTheSameBlocks_MovesThemOnce()
    {
        var host = new TierHost(blocks: 16);
        host.Compute(host.Conversation(8, 1));
        host.Now = 10 * Second;
        host.Settle();
        host.Compute(host.Conversation(16, 2));
        var (left, right) = (host.Conversation(8, 1), host.Conversation(8, 1));

        Assert.True(host.Tiers.Promote(left, KeysOf(left)));
        Assert.True(host.Tiers.Promote(right, KeysOf(right)));
        host.End();

        Assert.Equal([left, right], host.Promoted);
        Assert.Single(host.Mover.All.OfType<TierMove.FromHost>());
    }

    [Fact]
    public void Promote_ComputingIsFaster_LeavesThemBelow()
    {
        var host = new TierHost(blocks: 16);
        var first = host.Conversation(8, 1);
        host.Compute(first);
        host.Now = 10 * Second;
        host.Settle();
        host.Mover.Took = _ => Second;
        Bring(host, first, 2);
        // A MiB a second for four blocks, against a thousand blocks a second.
        host.Tiers.NotePrefill(16_000, Second);
        host.Compute(host.Conversation(16, 3));

        Assert.False(host.Tiers.Promote(first, KeysOf(first)));
        host.Tiers.Forget([]);
        Assert.Equal(1, host.Tiers.Counts.NotWorthMoving);
    }

    [Fact]
    public void Done_BlockWasTakenMeanwhile_ItsCopyIsThrownAway()
    {
        var host = new TierHost(blocks: 16);
        var first = host.Conversation(16, 1);
        host.Compute(first);
        host.Tiers.Advance(host.Now);
        Assert.IsType<TierMove.ToHost>(Assert.Single(host.Mover.Begun));
        host.Compute(host.Conversation(16, 2));

        host.End();

        Assert.Equal((0, 16L), (host.Tiers.Counts.Host, host.Tiers.Counts.Lost));
        Assert.False(host.Tiers.Promote(first, KeysOf(first)));
    }

    [Fact]
    public void HostFull_WithADisk_WritesGroupsAndReadsThemBack()
    {
        var host = new TierHost(blocks: 32, slots: 8, disk: 64, new KvTierOptions { GroupBlocks = 4 });
        var conversations = Enumerable.Range(1, 6).Select(salt => host.Conversation(8, salt)).ToArray();
        Array.ForEach(conversations, conversation => ComputeSlowly(host, conversation));
        Assert.InRange(host.Tiers.Counts.Disk, 8, 64);

        Assert.True(host.Tiers.Promote(conversations[0], KeysOf(conversations[0])));
        host.Settle();

        Assert.Equal(8, host.Compute(conversations[0]));
        Assert.Equal(8, host.Tiers.Counts.FromDisk);
        Assert.Equal(0, host.Tiers.Counts.Lost);
    }

    [Fact]
    public void HostSmall_WithADisk_LetsIdleBlocksPassToTheDisk()
    {
        var options = new KvTierOptions { GroupBlocks = 4, DiskAfter = 60 * Second };
        var host = new TierHost(blocks: 64, slots: 12, disk: 100, options);
        var old = host.Conversation(8, 1);
        ComputeSlowly(host, old);
        host.Compute(host.Conversation(40, 2));

        host.Now = 60 * Second;
        host.Settle();
        Assert.Equal(12, host.Tiers.Counts.Host);
        host.Now += 60 * Second;
        host.Settle();

        // All 48 are on the disk, through the four slots of a group: the other slots keep what they had.
        Assert.Equal((12, 48, 0L), (host.Tiers.Counts.Host, host.Tiers.Counts.Disk, host.Tiers.Counts.Lost));
        Assert.Null(host.Tiers.NextDue());
        host.Compute(host.Conversation(60, 3));
        Assert.True(host.Tiers.Promote(old, KeysOf(old)));
        host.Settle();
        Assert.Equal(8, host.Compute(old));
    }

    [Fact]
    public void DiskRead_Damaged_GivesUpTheGroupAndKeepsTheRest()
    {
        var host = new TierHost(blocks: 32, slots: 8, disk: 64, new KvTierOptions { GroupBlocks = 4 });
        var conversations = Enumerable.Range(1, 6).Select(salt => host.Conversation(8, salt)).ToArray();
        Array.ForEach(conversations, conversation => ComputeSlowly(host, conversation));
        host.Mover.Fails = (move, index) => move is TierMove.FromDisk && index == 5;

        Assert.True(host.Tiers.Promote(conversations[0], KeysOf(conversations[0])));
        host.Settle();

        // The start of the chain is good; the group with the bad block is no longer trusted.
        Assert.Equal(["no such luck"], host.Errors);
        Assert.Equal([conversations[0]], host.Promoted);
        Assert.Single(host.Mover.All.OfType<TierMove.Drop>());
        Assert.Equal(5, host.Cache.Find(KeysOf(conversations[0])).Known);
        Assert.Equal(5, host.Compute(conversations[0]));
    }

    [Fact]
    public void DiskWrite_Fails_IsLeftAloneForAWhile()
    {
        var host = new TierHost(blocks: 16, slots: 4, disk: 32, new KvTierOptions { GroupBlocks = 4 });
        host.Mover.Fails = (move, _) => move is TierMove.ToDisk;

        ComputeSlowly(host, host.Conversation(8, 1));
        ComputeSlowly(host, host.Conversation(8, 2));

        Assert.Equal(["no such luck"], host.Errors);
        Assert.Equal((0, 4), (host.Tiers.Counts.Disk, host.Tiers.Counts.Host));
        host.Mover.Fails = (_, _) => false;
        host.Now += TimeSpan.FromMinutes(1);
        host.Settle();
        Assert.Equal(4, host.Tiers.Counts.Disk);
    }

    [Fact]
    public void Disk_Full_RemovesTheOldestGroups()
    {
        var host = new TierHost(blocks: 8, slots: 4, disk: 8, new KvTierOptions { GroupBlocks = 4 });

        for (var salt = 1; salt <= 10; salt++)
        {
            ComputeSlowly(host, host.Conversation(6, salt));
            Assert.InRange(host.Mover.OnDisk, 0, 8);
        }

        Assert.Contains(host.Mover.All, move => move is TierMove.Drop);
        var last = host.Conversation(6, 10);
        Assert.Equal(6, host.Cache.Find(KeysOf(last)).Known);
    }

    [Fact]
    public void Forget_DropsTheConversationEverywhereButWhatOthersShare()
    {
        var host = new TierHost(blocks: 32, slots: 32, disk: 32, new KvTierOptions { DiskAfter = Second });
        var one = host.Conversation(8, 1);
        // The same first three blocks, then other words.
        var ids = one.Ids.ToArray();
        ids.AsSpan(48).Reverse();
        var other = new Core.Scheduling.Sequence(99, one.Request with { TokenIds = ids }, 10, 16);
        host.Compute(one);
        host.Compute(other);
        host.Now = 20 * Second;
        host.Settle();
        host.Now = 30 * Second;
        host.Settle();
        Assert.Equal((13, 13, 13), (host.Tiers.Counts.Device, host.Tiers.Counts.Host, host.Tiers.Counts.Disk));

        Assert.Equal(5, host.Tiers.Forget(KeysOf(one)));

        Assert.Equal((8, 8), (host.Tiers.Counts.Device, host.Tiers.Counts.Host));
        Assert.Equal(3, host.Cache.Find(KeysOf(one)).Known);
        Assert.Equal(8, host.Cache.Find(KeysOf(other)).Known);
        Assert.Equal(8, host.Tiers.Forget(KeysOf(other)));
        host.Settle();
        Assert.Equal((0, 0, 0, 0), (host.Tiers.Counts.Device, host.Tiers.Counts.Host, host.Tiers.Counts.Disk, host.Mover.OnDisk));
        Assert.Equal(0L, host.Tiers.Counts.Lost);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyConversations_HostMemoryForAll_NothingIsLost(int seed)
    {
        var random = new Random(seed);
        var host = new TierHost(blocks: 24, slots: 400);
        var conversations = Enumerable.Range(1, 20).Select(salt => host.Conversation(random.Next(1, 7), salt)).ToArray();
        var computed = new HashSet<int>();
        for (var turn = 0; turn < 200; turn++)
        {
            var number = random.Next(conversations.Length);
            var turnOf = new Core.Scheduling.Sequence(1000 + turn, conversations[number].Request, 10, 16);
            if (host.Tiers.Promote(turnOf, KeysOf(turnOf)))
            {
                host.Settle();
            }

            var known = host.Compute(turnOf);
            Assert.Equal(computed.Add(number) ? 0 : KeysOf(turnOf).Length, known);
            host.Settle();
        }

        Assert.Equal(0, host.Tiers.Counts.Lost);
        Assert.InRange(host.Tiers.Counts.FromHost, 10, long.MaxValue);
    }

    /// <summary>Computes a conversation; then everything that is due is moved before anything else happens.</summary>
    private static void ComputeSlowly(TierHost host, Core.Scheduling.Sequence conversation)
    {
        host.Compute(conversation);
        host.Settle();
        host.Now += TimeSpan.FromSeconds(10);
        host.Settle();
    }

    /// <summary>Something else takes the device; then the conversation comes back.</summary>
    private static void Bring(TierHost host, Core.Scheduling.Sequence conversation, int salt)
    {
        host.Compute(host.Conversation(12, salt));
        Assert.True(host.Tiers.Promote(conversation, KeysOf(conversation)));
        host.Settle();
    }
}
