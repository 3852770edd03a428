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

    [Theory]
    [InlineData("", "bfloat16")]
    [InlineData("\"dtype\": \"float32\", ", "float32")]
    public void Read_Dtype_IsThatOfTheRun(string line, string dtype) => Assert.Equal(dtype, ReadPlan($"{{ {line}\"phases\": [] }}").Dtype);

    [Fact]
    public void Read_UnknownDtype_IsToldWithTheFile()
    {
        var error = Assert.Throws<TrainException>(() => ReadPlan("{ \"dtype\": \"int8\", \"phases\": [] }"));

        Assert.EndsWith("is no plan of a run: dtype 'int8' is neither bfloat16 nor float32", error.Message);
    }

    [Fact]
    public void StageOf_PhaseThatGoesBackToTheTower_IsTheLaterStage()
    {
        var plan = RecipePlan.Standard;
        var second = plan.Phases.ToList().FindIndex(phase => phase.Name == "tower2");
        Assert.Equal(TrainStage.Tower, plan.Phases[second].Stage);
        Assert.Equal(TrainStage.Instruct, plan.StageOf(second));
    }

    private static RecipePlan ReadPlan(string json)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, json);
            return RecipePlan.Read(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
