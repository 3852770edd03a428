using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Questions;

public sealed class AnswerGradeTests
{
    private static readonly Scene Pair = new(
        100,
        100,
        [
            new SceneObject(SceneShape.Circle, SceneColour.Red, true, 20, 20, 20, 20),
            new SceneObject(SceneShape.Star, SceneColour.Blue, false, 80, 80, 20, 20),
        ],
        new SceneText("A1B", [], 10));

    private static readonly Scene Twins = new(
        100,
        100,
        [
            new SceneObject(SceneShape.Cross, SceneColour.Black, true, 20, 20, 20, 20),
            new SceneObject(SceneShape.Cross, SceneColour.Black, true, 80, 80, 20, 20),
        ],
        null);

    [Theory]
    [InlineData("red", "red", true)]
    [InlineData("red", " Red. ", true)]
    [InlineData("red", "\"RED\"", true)]
    [InlineData("red", "red circle", false)]
    [InlineData("red", "", false)]
    [InlineData("red", "blue", false)]
    [InlineData("top left", "Top  left", true)]
    [InlineData("top left", "left", false)]
    [InlineData("left", "top left", false)]
    [InlineData("centre", "center", true)]
    [InlineData("2", "2.", true)]
    [InlineData("2", "12", false)]
    [InlineData("yes", "Yes!", true)]
    [InlineData("yes", "yes, no", false)]
    [InlineData("A1B", "a1b", true)]
    [InlineData("A1B", "A1", false)]
    [InlineData("A1B", "A 1 B", false)]
    [InlineData("红色", "红色。", true)]
    [InlineData("There is no star.", "there is no star", true)]
    [InlineData("There is no star.", "There is no red star.", false)]
    public void IsRight_ShortAnswers_MustBeTheExpectedWords(string expected, string answer, bool right) =>
        Assert.Equal(right, AnswerGrade.IsRight(new Exchange(QuestionForm.Colour, "?", expected), [Pair], answer));

    [Theory]
    [InlineData("A red circle and a blue outlined star. The text says \"A1B\".", true)]
    [InlineData("a blue star and a red circle. the text says “a1b”", true)]
    [InlineData("A red circle at the top left and a blue outlined star at the bottom right. The text says \"A1B\".", true)]
    [InlineData("红色圆形和蓝色空心五角星。文字是“A1B”。", true)]
    [InlineData("A red circle and a blue outlined star.", false)]
    [InlineData("A red circle. The text says \"A1B\".", false)]
    [InlineData("A red circle and a blue outlined star. The text says \"A1C\".", false)]
    [InlineData("A red star and a blue circle. The text says \"A1B\".", false)]
    [InlineData("A red circle, a blue outlined star and a green cross. The text says \"A1B\".", false)]
    [InlineData("A red circle and a red circle and a blue star. The text says \"A1B\".", false)]
    [InlineData("A red circle and a star. The text says \"A1B\".", false)]
    [InlineData("A red circle and a blue. The text says \"A1B\".", false)]
    [InlineData("", false)]
    public void IsRight_Description_NamesEverythingAndNothingElse(string answer, bool right) =>
        Assert.Equal(
            right,
            AnswerGrade.IsRight(new Exchange(QuestionForm.Description, "?", "A red circle and a blue outlined star. …"), [Pair], answer));

    [Theory]
    [InlineData("A black cross and a black cross.", true)]
    [InlineData("A black cross.", false)]
    [InlineData("A black cross and a black cross. The text says \"A1B\".", false)]
    public void IsRight_DescriptionOfTwins_CountsThem(string answer, bool right) =>
        Assert.Equal(right, AnswerGrade.IsRight(new Exchange(QuestionForm.Description, "?", "A black cross and …"), [Twins], answer));

    [Fact]
    public void IsRight_DescriptionOfOneOfTwoPictures_IsAboutThatOne()
    {
        var exchange = new Exchange(QuestionForm.TwoPictures, "What is in the second picture?", "A black cross and a black cross.");

        Assert.True(AnswerGrade.IsRight(exchange, [Pair, Twins], "a black cross and a black cross"));
        Assert.False(AnswerGrade.IsRight(exchange, [Pair, Twins], "A red circle and a blue outlined star. The text says \"A1B\"."));
    }

    [Fact]
    public void IsRight_WrittenAnswers_AreRightAndThoseOfOtherScenesMostlyWrong()
    {
        var scenes = Enumerable.Range(0, 80)
            .Select(i => SceneComposer.Unpainted(SceneMix.Standard, new Chance((ulong)i)))
            .ToArray();
        var (right, all) = (0, 0);
        for (var i = 0; i < scenes.Length; i++)
        {
            foreach (var exchange in DialogueWriter.About([scenes[i]], 10, (ulong)i).SelectMany(d => d.Exchanges))
            {
                Assert.True(AnswerGrade.IsRight(exchange, [scenes[i]], exchange.Answer), $"{exchange.Question} → {exchange.Answer}");
                var neighbour = scenes[(i + 1) % scenes.Length];
                var other = DialogueWriter.TryAsk(exchange.Form, [neighbour], DialogueLanguage.English, 1)?.Exchanges[^1].Answer;
                right += AnswerGrade.IsRight(exchange, [scenes[i]], other ?? "") ? 1 : 0;
                all++;
            }
        }

        Assert.InRange(right / (double)all, 0, 0.3);
    }
}
