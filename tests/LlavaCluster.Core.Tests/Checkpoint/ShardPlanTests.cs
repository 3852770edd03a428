using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class ShardPlanTests
{
    private static readonly TextConfig Yi = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "yi")).Text;

    private static readonly TextConfig Vicuna = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "vicuna")).Text;

    private static readonly TextConfig Mistral = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "mistral")).Text;

    public static TheoryData<string, int> Splits => new()
    {
        { "yi", 2 }, { "yi", 7 }, { "yi", 14 }, { "vicuna", 2 }, { "vicuna", 4 }, { "mistral", 2 }, { "mistral", 4 },
    };

    [Theory]
    [MemberData(nameof(Splits))]
    public void SliceOf_AllRanks_JoinToTheWhole(string checkpoint, int ranks)
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", checkpoint));
        foreach (var entry in TensorCatalog.Of(config).Where(e => !e.Name.Contains("k_proj") && !e.Name.Contains("v_proj")))
        {
            var slices = Plans(config.Text, ranks).Select(p => p.SliceOf(entry.Name)).ToArray();
            if (slices[0] is null)
            {
                Assert.All(slices, s => Assert.Null(s));
                Assert.True(entry.Shape.Length == 1 || entry.Role != WeightRoles.Language, $"{entry.Name} is not cut");
                continue;
            }

            long reached = 0;
            foreach (var slice in slices)
            {
                Assert.Equal((entry.Name, reached), (entry.Name, slice!.Value.Start));
                Assert.True(slice.Value.Length > 0);
                reached += slice.Value.Length;
            }

            Assert.Equal(entry.Shape[slices[0]!.Value.Dimension], reached);
        }
    }

    /// <summary>Every query head finds, on its rank, the KV head that the whole model gives it, and no rank holds one in vain.</summary>
    [Theory]
    [MemberData(nameof(Splits))]
    public void KvHeads_OfEveryRank_AreThoseOfItsQueries(string checkpoint, int ranks)
    {
        var text = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", checkpoint)).Text;
        foreach (var plan in Plans(text, ranks))
        {
            Assert.Equal(
                Enumerable.Range(plan.FirstHead, plan.Heads).Select(head => head * text.KvHeads / text.Heads),
                plan.KvHeadOfQuery.Select(local => plan.FirstKvHead + local));
            Assert.Equal(Enumerable.Range(0, plan.KvHeads), plan.KvHeadOfQuery.Distinct());
            Assert.Equal(
                new ShardSlice(0, plan.FirstKvHead * text.HeadDim, plan.KvHeads * text.HeadDim),
                plan.SliceOf("language_model.layers.0.self_attn.v_proj.weight"));
        }
    }

    [Fact]
    public void KvHeads_RankBetweenTwoGroups_HoldsBoth()
    {
        Assert.Equal([1, 1, 1, 2, 1, 1, 1], Plans(Yi, 7).Select(p => p.KvHeads));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1], Plans(Yi, 7).Select(p => p.FirstKvHead));
        Assert.Equal([0, 1], new ShardPlan(Yi, 3, 7).KvHeadOfQuery);
    }

    [Fact]
    public void KvHeads_FewerThanRanks_AreHeldTwice()
    {
        Assert.Equal([0, 0, 1, 1], Plans(Mistral, 4).Select(p => p.FirstKvHead));
        Assert.All(Plans(Mistral, 4), p => Assert.Equal(1, p.KvHeads));
    }

    [Fact]
    public void KvHeads_AsManyAsQueries_AreCutLikeThem()
    {
        Assert.All(Plans(Vicuna, 2), p => Assert.Equal((p.FirstHead, p.Heads), (p.FirstKvHead, p.KvHeads)));
    }

    [Fact]
    public void SliceOf_SizesThatDoNotDivide_DifferByOneAtMost()
    {
        var plans = Plans(Yi, 7).ToArray();
        Assert.Equal([45, 46, 46, 45, 46, 46, 46], plans.Select(p => p.Inner));
        Assert.Equal(320, plans.Sum(p => p.Inner));
        Assert.Equal(2112, plans.Sum(p => p.Tokens));
        Assert.InRange(plans.Max(p => p.Tokens) - plans.Min(p => p.Tokens), 0, 1);
    }

    [Fact]
    public void SliceOf_OneRank_IsAll()
    {
        Assert.Null(new ShardPlan(Yi, 0, 1).SliceOf("language_model.layers.0.self_attn.q_proj.weight"));
    }

    [Fact]
    public void Plan_HeadsThatDoNotDivide_IsRefusedByName()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => new ShardPlan(Yi, 0, 4));
        Assert.Equal("num_attention_heads 14 does not divide by 4 ranks. Take a number of ranks that divides it.", thrown.Message);
    }

    private static IEnumerable<ShardPlan> Plans(TextConfig text, int ranks) =>
        Enumerable.Range(0, ranks).Select(rank => new ShardPlan(text, rank, ranks));
}
