using LlavaCluster.Tests;
using LlavaCluster.Training.Recipe;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Recipe;

/// <summary>The recipe of the embedded model.</summary>
public sealed class RecipePlanTests
{
    [Fact]
    public void Standard_IsThePlanOfTheRunThatMadeTheEmbeddedModel()
    {
        var made = Path.Combine(GoldenFolder.Repository, "src", "LlavaCluster.Training", "Runs", "tiny", "plan.json");
        var now = Path.GetTempFileName();
        try
        {
            RecipePlan.Standard.Write(now);
            Assert.Equal(File.ReadAllText(made), File.ReadAllText(now));
        }
        finally
        {
            File.Delete(now);
        }
    }

    [Fact]
    public void StageOf_PhaseThatGoesBackToTheTower_IsTheLaterStage()
    {
        var plan = RecipePlan.Standard;
        var second = plan.Phases.ToList().FindIndex(phase => phase.Name == "tower2");
        Assert.Equal(TrainStage.Tower, plan.Phases[second].Stage);
        Assert.Equal(TrainStage.Instruct, plan.StageOf(second));
    }
}
