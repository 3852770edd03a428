using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// Lessons of a step as flat rows, made ready beside the step before. All lessons' rows stand one after the other, each filled up to its
/// bucket only, and the batch to its budget: every batch has the same number of tokens whatever lengths its lessons have.
/// </summary>
internal sealed class LessonBatch
{
    /// <summary>What is told is filled up to a multiple of this, as rows are.</summary>
    private const int ToldBucket = 256;

    /// <summary>Makes the rows.</summary>
    /// <param name="lessons">The lessons.</param>
    /// <param name="budget">Tokens of the batch; fewer than the lessons have: as many as they have.</param>
    public LessonBatch(IReadOnlyList<Lesson> lessons, int budget)
    {
        var free = (budget - lessons.Sum(lesson => lesson.Length)) / Lesson.Bucket * Lesson.Bucket;
        Lessons = lessons = free > 0 ? [.. lessons, Lesson.Filling(free)] : lessons;
        Ids = new long[lessons.Sum(lesson => lesson.Length)];
        Positions = [.. lessons.SelectMany(lesson => lesson.Positions())];
        Masks = [.. lessons.Select(lesson => lesson.Mask())];
        var rows = new List<long>();
        var targets = new List<long>();
        var weights = new List<float>();
        var answers = new List<(AnswerRun Run, int First)>();
        var imageRows = new List<long>();
        var offset = 0;
        foreach (var lesson in lessons)
        {
            var at = offset;
            lesson.Prefix.Select(id => (long)id).ToArray().CopyTo(Ids, at);
            foreach (var run in lesson.Runs)
            {
                for (var i = 0; i < run.Length; i++)
                {
                    // A picture's place holders are never embedded.
                    Ids[at + run.Offset + i] = 0;
                    imageRows.Add(at + run.Offset + i);
                }
            }

            at += lesson.Prefix.Length;
            foreach (var branch in lesson.Branches)
            {
                foreach (var answer in branch.Answers)
                {
                    answers.Add((answer, rows.Count + CountTargets(branch, answer.First)));
                }

                AddTargets(branch, at, rows, targets, weights);
                branch.Ids.Select(id => (long)id).ToArray().CopyTo(Ids, at);
                at += branch.Ids.Length;
            }

            offset += lesson.Length;
        }

        while (rows.Count % ToldBucket != 0)
        {
            rows.Add(0);
            targets.Add(0);
            weights.Add(0);
        }

        (Rows, Targets, Answers, ImageRows) = ([.. rows], [.. targets], answers, [.. imageRows]);
        var sum = weights.Sum();
        Weights = [.. weights.Select(weight => weight / sum)];
        Tiles = [.. lessons.SelectMany(lesson => lesson.Pictures).Distinct(ReferenceEqualityComparer.Instance).Cast<ImageTiles>()];
        Pictures = [.. lessons.SelectMany(lesson => lesson.Pictures).Select(picture => Array.IndexOf(Tiles, picture))];
    }

    /// <summary>The lessons, and what fills up.</summary>
    public IReadOnlyList<Lesson> Lessons { get; }

    /// <summary>[tokens]: ids; 0 where a picture is.</summary>
    public long[] Ids { get; }

    /// <summary>[tokens]: place of each token in its dialogue.</summary>
    public long[] Positions { get; }

    /// <summary>Each lesson's mask.</summary>
    public IReadOnlyList<byte[]> Masks { get; }

    /// <summary>[told]: tokens whose next one is told; those that fill up weigh nothing.</summary>
    public long[] Rows { get; }

    /// <summary>[told]: what it is.</summary>
    public long[] Targets { get; }

    /// <summary>[told]: what each weighs in the loss; together 1.</summary>
    public float[] Weights { get; }

    /// <summary>The answers, and where their targets begin among those that are told.</summary>
    public IReadOnlyList<(AnswerRun Run, int First)> Answers { get; }

    /// <summary>[image tokens]: where the pictures' tokens are.</summary>
    public long[] ImageRows { get; }

    /// <summary>How many lessons there are something to learn from.</summary>
    public int Count => Lessons.Count(lesson => lesson.Branches.Count > 0);

    /// <summary>The pictures, each once.</summary>
    public ImageTiles[] Tiles { get; }

    /// <summary>Which of <see cref="Tiles"/> each lesson shows, in the order of <see cref="ImageRows"/>.</summary>
    public int[] Pictures { get; }

    private static int CountTargets(Branch branch, int end) => branch.Targets.Take(end).Count(target => target >= 0);

    /// <summary>An answer weighs as much as another of its form, however many tokens it has; so does what is told besides, as a whole.</summary>
    private static void AddTargets(Branch branch, int start, List<long> rows, List<long> targets, List<float> weights)
    {
        var weightOf = new float[branch.Targets.Length];
        var besides = branch.Targets.Count(target => target >= 0) - branch.Answers.Sum(answer => answer.Length);
        Array.Fill(weightOf, besides > 0 ? 1f / besides : 0);
        foreach (var answer in branch.Answers)
        {
            weightOf.AsSpan(answer.First, answer.Length).Fill(AnswerWeight.Of(answer.Form) / answer.Length);
        }

        for (var i = 0; i < branch.Targets.Length; i++)
        {
            if (branch.Targets[i] >= 0)
            {
                rows.Add(start + i);
                targets.Add(branch.Targets[i]);
                weights.Add(weightOf[i]);
            }
        }
    }
}
