using LlavaCluster.Cluster.Tests.Fleet;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Routing;

public sealed class ClusterViewTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LoadTable _table;
    private readonly ClusterView _view;

    public ClusterViewTests()
    {
        _table = new LoadTable(_time);
        _view = new ClusterView(new FakeMembership(Silo(1), Silo(2)), _table);
    }

    [Fact]
    public void Replica_NotHeardOfForLong_IsLeftOutWhileAnotherIsHeard()
    {
        Report(1, "a");
        _time.Advance(LoadTable.StaleAfter);
        Report(2, "b");
        Assert.Equal(["b"], Replicas());

        // On a machine with too much to do all are late.
        _time.Advance(LoadTable.StaleAfter);
        Assert.Equal(["a", "b"], Replicas());
    }

    [Fact]
    public void Replica_ThatDrains_IsLeftOutWhileAnotherIsOpen()
    {
        Report(1, "a", isDraining: true);
        Assert.Equal(["a"], Replicas());

        Report(2, "b");
        Assert.Equal(["b"], Replicas());
    }

    [Fact]
    public void HasHeir_OnlyOneThatStaysAndFetchesKv()
    {
        Report(1, "a", isDraining: true, kv: "127.0.0.1:1");
        Assert.False(_view.HasHeir("a", 1));

        Report(2, "b");
        Assert.False(_view.HasHeir("a", 1));
        Report(2, "b", number: 2, kv: "127.0.0.1:2");
        _time.Advance(LoadTable.StaleAfter);
        Assert.Equal((true, false), (_view.HasHeir("a", 1), _view.HasHeir("a", 2)));

        Report(2, "b", isDraining: true, number: 3, kv: "127.0.0.1:2");
        Assert.False(_view.HasHeir("a", 1));
    }

    [Fact]
    public void Replica_OfASiloThatIsNoMember_IsLeftOut()
    {
        Report(3, "c");
        Assert.Empty(Replicas());
    }

    [Fact]
    public void Report_OlderThanTheLast_IsNotTaken()
    {
        Report(1, "new", number: 2);
        Report(1, "old", number: 1);
        Assert.Equal(["new"], Replicas());
    }

    private static SiloAddress Silo(int port) => SiloAddress.New(System.Net.IPAddress.Loopback, port, 1);

    [Fact]
    public void KvOf_SeveralRanks_IsWhereEachOfOneFormationLends()
    {
        Report(1, "a", kv: "127.0.0.1:1", rank: 1, ranks: 2, epoch: 3);
        Assert.Empty(_view.KvOf("a"));

        Report(2, "a", kv: "127.0.0.1:2", ranks: 2, epoch: 3);
        Assert.Equal(["127.0.0.1:2", "127.0.0.1:1"], _view.KvOf("a"));

        // Another formation of one is known, not yet that of the other.
        Report(2, "a", number: 2, kv: "127.0.0.1:2", ranks: 2, epoch: 4);
        Assert.Empty(_view.KvOf("a"));
        Report(1, "a", number: 2, rank: 1, ranks: 2, epoch: 4);
        Assert.Empty(_view.KvOf("a"));

        // All ranks in one process.
        Report(1, "b", number: 3, kv: "127.0.0.1:1", ranks: 2);
        Assert.Equal(["127.0.0.1:1", "127.0.0.1:1"], _view.KvOf("b"));
        Assert.Equal(("b/0", null), (_view.LeaderOf("b"), _view.LeaderOf("c")));
    }

    private string[] Replicas() => [.. _view.Replicas().Select(seat => seat.Replica)];

    private void Report(int silo, string replica, bool isDraining = false, long number = 1, string kv = "", int rank = 0, int ranks = 1, long epoch = 0) => _table.Put(new SiloReportMessage
    {
        Silo = Silo(silo),
        Number = number,
        Roles = SiloRoles.Decoder,
        Identity = SiloIdentity.None.At(Silo(silo)),
        IsDraining = isDraining,
        Sessions = 0,
        Work = new Dictionary<string, TurnWorkMessage>(),
        Seat = new SeatLoadMessage
        {
            Shard = $"{replica}/{rank}",
            Replica = replica,
            Rank = rank,
            Ranks = ranks,
            State = SeatState.Serving,
            Epoch = epoch,
            Why = "",
            IsLeading = rank == 0,
            Load = new LoadMessage(0, 0, 100, 100),
            AnswerRate = 0,
            ComputeRate = 0,
            Beginnings = [],
            KvAddress = kv,
        },
    });
}
