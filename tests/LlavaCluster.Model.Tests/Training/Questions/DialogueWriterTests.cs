using System.Text.RegularExpressions;
using LlavaCluster.Model.Tests.Training.Drawing;
using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Questions;

public sealed class DialogueWriterTests
{
    private static readonly QuestionForm[] AboutOne =
    [
        QuestionForm.Shape, QuestionForm.Colour, QuestionForm.Count, QuestionForm.Presence, QuestionForm.Place,
        QuestionForm.Relation, QuestionForm.Comparison, QuestionForm.Text, QuestionForm.Description, QuestionForm.FollowUp,
    ];

    private static readonly Scene[] Scenes = [.. Studio.Scenes(500)];

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.2, 0.05, 0.25)]
    [InlineData(1, 0.3, 0.6)]
    public void TryAsk_AcrossWeight_DecidesHowOftenLeftAndRightAreAskedFor(double weight, double least, double most)
    {
        var mix = DialogueMix.Standard with { AcrossWeight = weight, CarelessShare = 0 };
        var questions = Scenes
            .Select((scene, i) => DialogueWriter.TryAsk(QuestionForm.Relation, [scene], DialogueLanguage.English, (ulong)i, mix))
            .OfType<Dialogue>().Select(dialogue => dialogue.Exchanges[0].Question).ToArray();

        Assert.True(questions.Length > 100);
        Assert.InRange(questions.Count(question => question.Contains("left") || question.Contains("right")) / (double)questions.Length, least, most);
    }

    [Theory]
    [InlineData(nameof(QuestionForm.Shape))]
    [InlineData(nameof(QuestionForm.Colour))]
    [InlineData(nameof(QuestionForm.Count))]
    [InlineData(nameof(QuestionForm.Presence))]
    [InlineData(nameof(QuestionForm.Place))]
    [InlineData(nameof(QuestionForm.Relation))]
    [InlineData(nameof(QuestionForm.Comparison))]
    [InlineData(nameof(QuestionForm.Text))]
    [InlineData(nameof(QuestionForm.Description))]
    [InlineData(nameof(QuestionForm.FollowUp))]
    [InlineData(nameof(QuestionForm.TwoPictures))]
    public void TryAsk_EnglishForm_AnswersAreThoseOfTheOracle(string name)
    {
        var form = Enum.Parse<QuestionForm>(name);
        var asked = 0;
        foreach (var (i, pictures) in PicturesFor(form))
        {
            if (DialogueWriter.TryAsk(form, pictures, DialogueLanguage.English, (ulong)i) is not { } dialogue)
            {
                continue;
            }

            Assert.Equal(form, dialogue.Exchanges[^1].Form);
            var oracle = new SceneOracle(pictures);
            foreach (var exchange in dialogue.Exchanges)
            {
                var told = Told(oracle, exchange.Question, dialogue);
                var right = told.Contains('@') ? WithoutPlaces(exchange.Answer) : exchange.Answer;
                Assert.True(told.Replace(" @", "") == right, $"scene {i}: {Printed(dialogue)}: oracle says {told}");
                asked++;
            }
        }

        Assert.True(asked > 150, $"{asked} questions asked");
    }

    [Fact]
    public void TryAsk_Chinese_AnswersMeanTheSameAsInEnglish()
    {
        var compared = 0;
        foreach (var form in AboutOne.Append(QuestionForm.TwoPictures))
        {
            foreach (var (i, pictures) in PicturesFor(form).Take(120))
            {
                var english = DialogueWriter.TryAsk(form, pictures, DialogueLanguage.English, (ulong)i);
                var chinese = DialogueWriter.TryAsk(form, pictures, DialogueLanguage.Chinese, (ulong)i);
                Assert.Equal(english?.Exchanges.Count, chinese?.Exchanges.Count);
                foreach (var (e, c) in (english?.Exchanges ?? []).Zip(chinese?.Exchanges ?? []))
                {
                    Assert.Equal(Translated(e.Answer, c.Answer), c.Answer);
                    Assert.Matches(@"[\u4e00-\u9fff]", c.Question);
                    Assert.DoesNotMatch("[a-z]", c.Question);
                    compared++;
                }
            }
        }

        Assert.True(compared > 800, $"{compared} answers compared");
    }

    [Fact]
    public void About_SameSeed_SameDialogues()
    {
        string[] Written(ulong seed) => [.. DialogueWriter.About([Scenes[5]], 12, seed).Select(Printed)];

        Assert.Equal(Written(7), Written(7));
        Assert.NotEqual(Written(7), Written(8));
    }

    [Fact]
    public void About_ManyScenes_GivesTheCountWithoutRepeats()
    {
        foreach (var scene in Scenes.Take(100))
        {
            var dialogues = DialogueWriter.About([scene], 9, 3);

            Assert.Equal(9, dialogues.Count);
            Assert.Equal(9, dialogues.Select(d => string.Join('\n', d.Exchanges.Select(e => e.Question))).Distinct().Count());
        }
    }

    [Fact]
    public void About_ManyScenes_NoAnswerCanBeGuessed()
    {
        var answers = new Dictionary<QuestionForm, Dictionary<string, int>>();
        var mix = DialogueMix.Standard with { ChineseShare = 0 };
        foreach (var (i, scene) in Scenes.Index())
        {
            foreach (var exchange in DialogueWriter.About([scene], 16, (ulong)i, mix).SelectMany(d => d.Exchanges))
            {
                var counts = answers.TryGetValue(exchange.Form, out var known) ? known : answers[exchange.Form] = [];
                counts[exchange.Answer] = counts.GetValueOrDefault(exchange.Answer) + 1;
            }
        }

        double Share(QuestionForm form) => answers[form].Values.Max() / (double)answers[form].Values.Sum();
        Assert.InRange(Share(QuestionForm.Shape), 0, 0.25);
        Assert.InRange(Share(QuestionForm.Colour), 0, 0.2);
        Assert.InRange(Share(QuestionForm.Count), 0, 0.36);
        Assert.InRange(Share(QuestionForm.Place), 0, 0.2);
        Assert.InRange(Share(QuestionForm.Presence), 0, 0.55);
        Assert.InRange(Share(QuestionForm.Relation), 0, 0.55);
        Assert.InRange(Share(QuestionForm.Text), 0, 0.03);
        Assert.InRange(Share(QuestionForm.Description), 0, 0.03);
        Assert.InRange(Share(QuestionForm.FollowUp), 0, 0.2);
    }

    [Fact]
    public void About_EveryForm_LeavesNoPlaceholderAndNoDoubleSpace()
    {
        var mix = DialogueMix.Standard with { ChineseShare = 0.4 };
        var single = Scenes.Take(200).SelectMany((scene, i) => DialogueWriter.About([scene], 10, (ulong)i, mix));
        var paired = Scenes.Take(200).SelectMany((scene, i) => DialogueWriter.About([scene, Scenes[^(i + 1)]], 6, (ulong)i, mix));

        Assert.All(
            single.Concat(paired).SelectMany(d => d.Exchanges),
            exchange => Assert.DoesNotMatch(@"[{}]|  |^ | $| \?|\bshape shape\b|\ba (orange|outlined)", $"{exchange.Question}\n{exchange.Answer}"));
    }

    [Fact]
    public void About_ChineseShareAndRequests_AreAsAsked()
    {
        var mix = DialogueMix.Standard with { ChineseShare = 0.25, RequestShare = 0.5, CarelessShare = 0 };
        var dialogues = Scenes.Take(150).SelectMany((scene, i) => DialogueWriter.About([scene], 8, (ulong)i, mix)).ToArray();
        var english = dialogues.Where(d => d.Language == DialogueLanguage.English)
            .SelectMany(d => d.Exchanges)
            .Where(e => e.Form == QuestionForm.Colour)
            .ToArray();

        Assert.InRange(dialogues.Average(d => d.Language == DialogueLanguage.Chinese ? 1.0 : 0), 0.2, 0.3);
        Assert.InRange(english.Average(e => Regex.IsMatch(e.Question, "single word|[oO]ne word|briefly") ? 1.0 : 0), 0.4, 0.6);
    }

    [Fact]
    public void About_MixThatCannotBeAsked_SaysSo()
    {
        var scene = new Scene(100, 100, [new SceneObject(SceneShape.Star, SceneColour.Red, true, 50, 50, 40, 40)], null);
        var mix = new DialogueMix { Weights = new Dictionary<QuestionForm, double> { [QuestionForm.Text] = 1 } };

        var error = Assert.Throws<ArgumentException>(() => DialogueWriter.About([scene], 2, 1, mix));

        Assert.StartsWith("None of the forms Text can be asked of these 1 pictures; allow descriptions.", error.Message);
    }

    [Fact]
    public void About_ThreePictures_SaysHowMany()
    {
        var error = Assert.Throws<ArgumentException>(() => DialogueWriter.About([Scenes[0], Scenes[1], Scenes[2]], 1, 1));

        Assert.StartsWith("3 pictures; questions are about one or two.", error.Message);
    }

    [Fact]
    public void TryAsk_Unknowable_SaysSoOrThatNothingIsThere()
    {
        var answers = Scenes.Take(200)
            .Select((scene, i) => (scene, DialogueWriter.TryAsk(QuestionForm.Unknowable, [scene], DialogueLanguage.English, (ulong)i)))
            .ToArray();

        foreach (var (scene, dialogue) in answers)
        {
            var exchange = dialogue!.Exchanges[0];
            var missing = Regex.Match(exchange.Answer, @"^There is no (?:(\w+) shape|(\w+))\.$");
            if (!missing.Success)
            {
                Assert.Equal("I cannot know that from the picture.", exchange.Answer);
            }
            else if (exchange.Answer == "There is no text.")
            {
                Assert.Null(scene.Text);
            }
            else
            {
                var word = missing.Groups[1].Value + missing.Groups[2].Value;
                Assert.DoesNotContain(scene.Objects, o => $"{o.Shape}|{o.Colour}".ToLowerInvariant().Split('|').Contains(word));
                Assert.Contains(word, exchange.Question.ToLowerInvariant());
            }
        }

        Assert.True(answers.Select(a => a.Item2!.Exchanges[0].Answer).Distinct().Count() > 10);
    }

    [Fact]
    public void WithoutPicture_ManySayings_AnswersAreHonestAndOneEach()
    {
        var exchanges = DialogueWriter.WithoutPicture(2000, 4).SelectMany(d => d.Exchanges).ToArray();

        Assert.All(exchanges, e => Assert.Equal(QuestionForm.SmallTalk, e.Form));
        Assert.All(
            exchanges.GroupBy(e => e.Question.ToLowerInvariant().TrimEnd('?', '.', '!', '？', '。', '！')),
            group => Assert.Single(group.Select(e => e.Answer).Distinct()));
        Assert.Contains(exchanges, e => e.Question == "Hello" && e.Answer.StartsWith("Hello! I am a small demonstration model."));
        Assert.Contains(exchanges, e => e.Answer.StartsWith("I see no picture."));
        Assert.Contains(exchanges, e => e.Answer == "不客气。");
    }

    private static string Told(SceneOracle oracle, string question, Dialogue dialogue)
    {
        try
        {
            return oracle.Answer(question);
        }
        catch (InvalidOperationException error)
        {
            throw new InvalidOperationException($"{error.Message} in {Printed(dialogue)}", error);
        }
    }

    private static string Printed(Dialogue dialogue) =>
        string.Join(" | ", dialogue.Exchanges.Select(e => $"{e.Question} → {e.Answer}"));

    private static IEnumerable<(int Index, Scene[] Pictures)> PicturesFor(QuestionForm form) =>
        Enumerable.Range(0, 300).Select(i => (i, form == QuestionForm.TwoPictures || (form == QuestionForm.FollowUp && i % 4 == 0)
            ? new[] { Scenes[i], Scenes[^(i + 1)] }
            : [Scenes[i]]));

    private static string WithoutPlaces(string answer) =>
        Regex.Replace(answer, @" (at|on|in) the ((top|bottom) (left|right)|top|bottom|left|right|centre)(?=[,. ])", "");

    /// <summary>What an English answer must be in Chinese; of several ways to say yes, the one that was said.</summary>
    private static string Translated(string english, string said)
    {
        (string, string)[] words =
        [
            ("circle", "圆形"), ("square", "正方形"), ("triangle", "三角形"), ("star", "五角星"), ("diamond", "菱形"), ("cross", "十字"),
            ("red", "红色"), ("green", "绿色"), ("blue", "蓝色"), ("yellow", "黄色"), ("orange", "橙色"), ("purple", "紫色"),
            ("black", "黑色"), ("white", "白色"), ("top left", "左上角"), ("top right", "右上角"), ("bottom left", "左下角"),
            ("bottom right", "右下角"), ("top", "上方"), ("bottom", "下方"), ("left", "左边"), ("right", "右边"), ("centre", "中间"),
            ("first", "第一张"), ("second", "第二张"), ("above", "上面"), ("below", "下面"), ("bigger", "大"), ("smaller", "小"),
        ];
        if (english is "yes" or "no")
        {
            return (english, said) switch { ("yes", "有" or "是") or ("no", "没有" or "不是") => said, _ => english };
        }

        if (words.FirstOrDefault(w => w.Item1 == english).Item2 is { } word)
        {
            return word;
        }

        if (!english.EndsWith('.'))
        {
            return english;
        }

        // A description: object by object, with the place in front.
        string Word(string name) => words.First(w => w.Item1 == name).Item2;
        string Found(string thing, int from, int count) =>
            words.Skip(from).Take(count).First(w => Regex.IsMatch(thing, $@"\b{w.Item1}\b")).Item2;
        var text = Regex.Match(english, "The text says \"(.*)\"\\.");
        var objects = text.Success ? english[..text.Index] : english;
        var things = objects.Trim().TrimEnd('.').Split([", ", " and "], StringSplitOptions.None).Select(thing =>
        {
            var place = Regex.Match(thing, "(?:at|on|in) the (.*)$");
            var hollow = thing.Contains("outlined") ? "空心" : "";
            return $"{(place.Success ? Word(place.Groups[1].Value) + "的" : "")}{Found(thing, 6, 8)}{hollow}{Found(thing, 0, 6)}";
        }).ToArray();
        var list = things.Length > 1 ? $"{string.Join('、', things[..^1])}和{things[^1]}" : things[0];
        return $"{list}。{(text.Success ? $"文字是“{text.Groups[1].Value}”。" : "")}";
    }
}
