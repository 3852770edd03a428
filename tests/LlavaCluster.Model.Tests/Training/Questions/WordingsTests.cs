using LlavaCluster.Training.Questions;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Questions;

public sealed class WordingsTests
{
    [Fact]
    public void Wordings_EveryTopic_HasSeveralInEachLanguageAndNoneTwice()
    {
        foreach (var topic in Enum.GetValues<Topic>())
        {
            var english = Tongue.Of(DialogueLanguage.English).Wordings[topic];
            var chinese = Tongue.Of(DialogueLanguage.Chinese).Wordings[topic];

            Assert.True(english.Length >= 2 && chinese.Length >= 2, $"{topic}: {english.Length} English, {chinese.Length} Chinese");
            Assert.Equal(english.Length, english.Distinct().Count());
            Assert.Equal(chinese.Length, chinese.Distinct().Count());
        }
    }

    [Fact]
    public void Wordings_SameWords_NeverMeanTwoTopics()
    {
        // Those that only the earlier turn explains, or that ask the same, may be shared.
        Topic[] shared = [Topic.ItsColour, Topic.ItsShape, Topic.ItsPlace, Topic.AndThe, Topic.AndHowMany, Topic.AndIsThere];
        foreach (var language in Enum.GetValues<DialogueLanguage>())
        {
            var twice = Tongue.Of(language).Wordings.Where(t => !shared.Contains(t.Key))
                .SelectMany(t => t.Value.Select(wording => (t.Key, wording)))
                .GroupBy(t => t.wording)
                .Where(group => group.Count() > 1 && !group.All(t => t.Key is Topic.IsColour or Topic.IsShape))
                .Select(group => group.Key);

            Assert.Empty(twice);
        }
    }

    [Theory]
    [InlineData(nameof(Topic.ShapeOfOnly), "What shape is{inside}?")]
    [InlineData(nameof(Topic.ShapeOfColour), "What shape is {ac}?")]
    [InlineData(nameof(Topic.ColourOfShape), "Which colour is the {a}{in}?")]
    [InlineData(nameof(Topic.ColourOfShape), "What color is the {a}{in}?")]
    [InlineData(nameof(Topic.ColourOfOnly), "What colour is this?")]
    [InlineData(nameof(Topic.CountSome), "How many {as} are there{in}?")]
    [InlineData(nameof(Topic.CountAll), "How many shapes are there{in}?")]
    [InlineData(nameof(Topic.ThereIs), "Is there {an}{in}?")]
    [InlineData(nameof(Topic.PlaceOf), "Where is the {a}{in}?")]
    [InlineData(nameof(Topic.ReadText), "What does the text say{in}?")]
    [InlineData(nameof(Topic.ReadText), "Read the text{in}.")]
    [InlineData(nameof(Topic.Describe), "Describe the picture.")]
    [InlineData(nameof(Topic.Describe), "What is shown in this image?")]
    [InlineData(nameof(Topic.IsLeftOf), "Is the {a} left of the {b}{in}?")]
    [InlineData(nameof(Topic.AndOther), "And the other one?")]
    [InlineData(nameof(Topic.ItsColour), "What colour is it?")]
    [InlineData(nameof(Topic.WhichPicture), "Which picture has {an}, the first or the second?")]
    public void Wordings_PromisedQuestions_AreAmongThem(string topic, string wording) =>
        Assert.Contains(wording, Tongue.Of(DialogueLanguage.English).Wordings[Enum.Parse<Topic>(topic)]);
}
