using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Model.Tests.Training.Drawing;
using LlavaCluster.Training.Questions;
using LlavaCluster.Training.Recipe;
using LlavaCluster.Training.Recipe.Answers;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Recipe;

/// <summary>What lessons are drawn by a phase's shares.</summary>
public sealed class LessonArtistTests : IDisposable
{
    private readonly TinyRuns _runs = new();
    private readonly LessonArtist _artist;

    public LessonArtistTests()
    {
        var files = _runs.Files("artist");
        var config = LlavaConfigReader.Read(files);
        var tokenizer = TokenizerFiles.Load(files);
        var prompts = new PromptBuilder(tokenizer, ChatTemplate.Choose(files, config, tokenizer), config.ImageTokenId);
        _artist = new LessonArtist(Studio.Fonts, config.Images, new BranchWriter(tokenizer, prompts, config.EosIds[0]));
    }

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Draw_PicturesToCompare_EveryOneCanBeAskedAbout()
    {
        // One scene in some hundreds has no two objects that words tell apart.
        var forms = Forms(TinyRuns.Dialogues with { SpellingShare = 0, PairShare = 0, ComparingShare = 1, GridShare = 0 }, batches: 150);

        Assert.InRange(Share(forms, QuestionForm.Comparison), 0.2, 0.6);
        Assert.InRange(Share(forms, QuestionForm.Relation), 0.2, 0.6);
    }

    [Fact]
    public void Draw_NoShareOfComparing_AsksForNone()
    {
        var forms = Forms(TinyRuns.Dialogues with { PairShare = 0 }, batches: 20);

        Assert.DoesNotContain(QuestionForm.Comparison, forms);
        Assert.Contains(QuestionForm.Relation, forms);
    }

    [Fact]
    public void Draw_PicturesToList_AreDescribedAndCounted()
    {
        var forms = Forms(TinyRuns.Dialogues with { SpellingShare = 0, PairShare = 0, ListingShare = 1, GridShare = 0 }, batches: 20);

        Assert.InRange(Share(forms, QuestionForm.Description), 0.3, 0.6);
        Assert.InRange(Share(forms, QuestionForm.Count), 0.3, 0.6);
    }

    [Fact]
    public void Draw_PairsOnly_EveryPictureLessonShowsTwo()
    {
        var lessons = Enumerable.Range(0, 10)
            .SelectMany(seed => _artist.Draw((ulong)seed, TinyRuns.Dialogues with { PairShare = 1 }, progress: 0).Lessons)
            .Where(lesson => lesson.Pictures.Count > 0)
            .ToArray();

        Assert.All(lessons, lesson => Assert.Equal(2, lesson.Pictures.Count));
        Assert.NotEmpty(lessons);
    }

    private QuestionForm[] Forms(PhasePlan phase, int batches) =>
    [
        .. Enumerable.Range(0, batches)
            .SelectMany(seed => _artist.Draw((ulong)seed, phase, progress: 1).Lessons)
            .SelectMany(lesson => lesson.Branches)
            .SelectMany(branch => branch.Answers)
            .Select(answer => answer.Form),
    ];

    private static double Share(QuestionForm[] forms, QuestionForm form) => forms.Count(f => f == form) / (double)forms.Length;
}
