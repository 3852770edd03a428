using System.Text;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Silo.Inspection;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>Asks questions of this process's engines, greedily. Any thread, many questions at once: the engines batch them.</summary>
/// <param name="model">The checkpoint.</param>
/// <param name="engines">Its engines, started.</param>
/// <param name="features">Where the decode loop gets features.</param>
/// <param name="maxNewTokens">Longest answer of a turn.</param>
internal sealed class QuestionAsker(ServedModel model, EngineSet engines, LocalFeatures features, int maxNewTokens)
{
    /// <summary>What each turn appends to the ids of the conversation.</summary>
    /// <exception cref="ArgumentException">The messages are no conversation, or other pictures come with them than they show.</exception>
    public static IReadOnlyList<Prompt> Compose(ServedModel model, Question question)
    {
        var tokens = question.Pictures.Select(p => AnyResGrid.Layout(model.Config.Images, p.Width, p.Height).Tokens).ToArray();
        var prompts = new List<Prompt>();
        var placed = 0;
        foreach (var turn in question.Turns)
        {
            var images = turn.Sum(m => m.Parts.Count(p => p is ChatPart.Image));
            var own = tokens[placed..(placed + images)];
            prompts.Add(prompts.Count == 0 ? model.Prompts.Conversation(turn, own) : model.Prompts.NextTurn(turn[0], own));
            placed += images;
        }

        return prompts;
    }

    /// <summary>The answers, turn by turn. A conversation goes on with the ids that were generated.</summary>
    /// <exception cref="SequenceRefusedException">It does not fit the model.</exception>
    /// <exception cref="BadImageException">A picture cannot be decoded.</exception>
    /// <exception cref="UserErrorException">The engine failed.</exception>
    public async Task<IReadOnlyList<string>> AskAsync(Question question, CancellationToken cancellationToken)
    {
        foreach (var picture in question.Pictures)
        {
            features.Add(picture.Hash, picture.Read());
        }

        try
        {
            var ids = new List<int>();
            var spans = new List<ImageSpan>();
            var answers = new List<string>();
            foreach (var prompt in Compose(model, question))
            {
                foreach (var run in prompt.Images)
                {
                    var picture = question.Pictures[spans.Count];
                    spans.Add(new ImageSpan(ids.Count + run.Offset, run.Length, picture.Hash, picture.Width, picture.Height));

                    // The tower works ahead while other questions are answered.
                    await features.GetAsync(spans[^1], null, cancellationToken);
                }

                ids.AddRange(prompt.TokenIds);
                answers.Add(await AnswerAsync(question, ids, spans, answers.Count, cancellationToken));
            }

            return answers;
        }
        finally
        {
            foreach (var picture in question.Pictures)
            {
                features.Remove(picture.Hash);
            }
        }
    }

    /// <summary>One answer, whose ids are appended to those of the conversation.</summary>
    private async Task<string> AnswerAsync(
        Question question, List<int> ids, List<ImageSpan> spans, int turn, CancellationToken cancellationToken)
    {
        var request = new SequenceRequest
        {
            Name = $"{question.Id} turn {turn + 1}",
            TokenIds = [.. ids],
            Images = [.. spans],
            Sampling = SamplingOptions.Greedy,
            Seed = 0,
            Turn = turn,
            MaxTokens = maxNewTokens,
        };
        var text = new StringBuilder();
        await foreach (var happened in engines.Decoder!.GenerateAsync(request, cancellationToken))
        {
            if (happened is GenerationEvent.Generated generated)
            {
                ids.AddRange(generated.Tokens.Select(t => t.Id));
                text.Append(generated.Text);
            }
            else if (happened is GenerationEvent.Finished finished)
            {
                text.Append(finished.Text);
                if (finished.Reason == FinishReason.Failed)
                {
                    throw new UserErrorException("The engine failed; the lines above have the reason.");
                }
            }
        }

        return text.ToString();
    }
}
