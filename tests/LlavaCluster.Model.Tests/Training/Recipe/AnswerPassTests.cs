using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Questions;
using LlavaCluster.Training.Recipe.Answers;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Optimizing;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Recipe;

public sealed class AnswerPassTests : IDisposable
{
    private readonly TinyRuns _runs = new();
    private readonly TinyNetwork _network;

    public AnswerPassTests() => _network = _runs.Exact("run");

    public void Dispose()
    {
        _network.Dispose();
        _runs.Dispose();
    }

    [Fact]
    public void Logits_OfBranches_EqualThoseOfSeparateDialogues()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(120, 90);
        var prefix = Prefix(picture);
        var branches = new[] { Branch([5, 6, 7], 9), Branch([8, 300, 12, 40, 41], 11), Branch([10], 4) };
        var together = Pass(new Lesson(prefix.Ids, [prefix.Run], branches, [picture]));

        long row = 0;
        foreach (var branch in branches)
        {
            var alone = Pass(new Lesson(prefix.Ids, [prefix.Run], [branch], [picture]));
            var difference = (together.narrow(0, row, 2) - alone.narrow(0, 0, 2)).abs().max().item<float>();
            Assert.True(difference < 1e-4f, $"branch at row {row} differs by {difference}");
            row += 2;
        }
    }

    [Fact]
    public void Loss_GradientOfAWeight_EqualsFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(100, 140);
        var prefix = Prefix(picture);
        var batch = new LessonBatch([new Lesson(prefix.Ids, [prefix.Run], [Branch([5, 6, 7], 9), Branch([8], 11)], [picture])], 0);
        _network.Learn([WeightPart.Tower, WeightPart.Projector, WeightPart.Language]);
        var pass = new AnswerPass(_network);
        AnswerPass.Loss(pass.Logits(batch, towerLearns: true), batch).backward();
        foreach (var part in new[] { WeightPart.Tower, WeightPart.Projector, WeightPart.Language })
        {
            // Along the gradient itself, the loss changes by the gradient's square.
            var weight = _network.Masters.Weights.Where(w => w.Part == part && w.Decays).MaxBy(w => w.Live.grad!.norm().item<float>())!;
            var gradient = weight.Live.grad!.clone();
            var square = gradient.square().sum().item<float>();
            var step = 0.01 / Math.Sqrt(square);
            var slope = (Loss(weight.Live, gradient * step) - Loss(weight.Live, gradient * -step)) / (2 * step);
            Assert.True(Math.Abs(slope - square) < 0.02 * square, $"{weight.Name}: {slope} by differences, {square} by the gradient");
        }

        double Loss(Tensor live, Tensor change)
        {
            using var quiet = no_grad();
            live.add_(change);
            var loss = AnswerPass.Loss(pass.Logits(batch, towerLearns: false), batch).item<float>();
            live.sub_(change);
            return loss;
        }
    }

    [Fact]
    public void Batch_IsFilledToItsBudget_AndAnswersWeighTheSame()
    {
        var lessons = new[] { new Lesson([1, 2], [], [Branch([5, 6, 7], 9, 10, 11, 12)], []), new Lesson([1, 2], [], [Branch([8], 9)], []) };
        var batch = new LessonBatch(lessons, budget: 256);

        Assert.Equal(256, batch.Ids.Length);
        Assert.Equal(2, batch.Count);
        Assert.Equal(0, batch.Rows.Length % 256);
        Assert.Equal(1, batch.Weights.Sum(), 1e-5f);
        Assert.Equal(0.5f, batch.Weights.Take(5).Sum(), 1e-5f);
        Assert.All(batch.Lessons, lesson => Assert.Equal(0, lesson.Length % Lesson.Bucket));
        Assert.Equal([2, 3, 4], lessons[0].Positions()[2..5]);
    }

    private static ImageTiles Picture(int width, int height)
    {
        var random = new Random(width);
        var pixels = new byte[width * height * 3];
        random.NextBytes(pixels);
        return new ImagePreprocessor(Processing).Process(new PixelBuffer(width, height, pixels));
    }

    private static ImageProcessing Processing { get; } = new()
    {
        Mode = ImageMode.AnyRes,
        TileSide = TinyRuns.Shape.TileSide,
        PatchSide = TinyRuns.Shape.PatchSide,
        Pinpoints = [(56, 112), (112, 56), (112, 112)],
        Order = PinpointOrder.HeightWidth,
        Mean = [0.5f, 0.5f, 0.5f],
        Std = [0.3f, 0.3f, 0.3f],
    };

    private static (int[] Ids, ImageRun Run) Prefix(ImageTiles picture)
    {
        var tokens = picture.Geometry.Tokens;
        return ([1, 20, .. Enumerable.Repeat(600, tokens)], new ImageRun(2, tokens));
    }

    /// <summary>A question and an answer; the answer and its end are told.</summary>
    private static Branch Branch(int[] question, params int[] answer)
    {
        var before = Enumerable.Repeat(-1, question.Length - 1);
        return new Branch(
            [.. question, .. answer],
            [.. before, .. answer, 2],
            [new AnswerRun(QuestionForm.Colour, DialogueLanguage.English, question.Length - 1, answer.Length + 1)]);
    }

    private Tensor Pass(Lesson lesson) => new AnswerPass(_network).Logits(new LessonBatch([lesson], 0), towerLearns: false);
}
