using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Routing;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Makes the sequence of a turn, or refuses it: (1) what the request must keep to beside the conversation, (2) its images, by their
/// headers, (3) the ids that it appends, (4) whether they fit. Nothing is changed here but that the session holds the images.
/// </summary>
internal sealed class TurnAdmission(IPromptBuilder prompts, LlavaConfig config, TurnImages images, SessionOptions options)
{
    /// <summary>Positions of a KV block, as all engines have them.</summary>
    public const int BlockTokens = 16;

    /// <summary>Characters whose tokens are found sooner than another thread.</summary>
    private const int ShortText = 2048;

    /// <summary>The log entry that begins the turn.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument, NotFound or ContextExceeded.</exception>
    public async Task<TurnStarted> AdmitAsync(
        string session, Conversation conversation, string turnId, TurnContent content, ulong drawnSeed, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // (1)
        if (content.System is not null && conversation.Turns.Count > 0 && content.System != conversation.System)
        {
            throw new TurnRefusedException(
                RefusalCode.InvalidArgument, "Only the first turn of a session may bring a system message; leave it out or start a new session.");
        }

        foreach (var id in content.Sampling.LogitBias.Keys)
        {
            if (id < 0 || id >= config.Text.VocabularySize)
            {
                throw new TurnRefusedException(
                    RefusalCode.InvalidArgument, $"logit_bias names token {id}; this model has 0 to {config.Text.VocabularySize - 1}.");
            }
        }

        // (2)
        var found = await images.FindAsync(session, content.Parts, cancellationToken);
        // (3)
        // A megabyte of text takes its time: not on the grain's turn. The conversation does not change while its turn is admitted.
        var prompt = (content.System?.Length ?? 0) + content.Parts.Sum(part => part.Text?.Length ?? 0) <= ShortText
            ? Compose()
            : await Task.Run(Compose, cancellationToken);
        var start = conversation.Ids.Count;
        var spans = prompt.Images.Select((run, i) => found[i].At(start + run.Offset)).ToArray();
        // (4)
        var tokens = start + prompt.TokenIds.Count;
        var imageTokens = conversation.Images.Sum(span => span.Length) + spans.Sum(span => span.Length);
        if (AdmissionRule.TooLong(tokens, imageTokens, config.Text.MaxPositions) is { } sentence)
        {
            throw new TurnRefusedException(RefusalCode.ContextExceeded, sentence);
        }

        return new TurnStarted(
            turnId,
            content.Parts,
            content.System,
            prompt.TokenIds,
            spans,
            content.Sampling,
            content.Sampling.Seed ?? drawnSeed,
            content.MaxTokens,
            now);

        Prompt Compose() => conversation.Compose(prompts, content.System, content.Parts, [.. found.Select(image => image.Tokens)]);
    }

    /// <summary>What replicas are to forget of a conversation that ends for ever.</summary>
    public static IReadOnlyList<SequenceMessage> Remains(string session, Conversation conversation, string tenant) =>
    [
        .. conversation.Computed().Select(seen => new SequenceMessage
        {
            Name = $"{session}/deleted",
            Session = session,
            TokenIds = (int[])[.. seen.Ids],
            Images = [.. seen.Images.Select(ImageSpanMessage.From)],
            Encoders = new Dictionary<string, string>(),
            Sampling = SamplingMessage.From(SamplingOptions.Greedy),
            Seed = 0,
            Turn = 0,
            MaxTokens = 1,
            Tenant = tenant,
        }),
    ];

    /// <summary>Tells what a turn asks of the cluster.</summary>
    /// <exception cref="TurnRefusedException">QueueFull; says when to ask again.</exception>
    public void Weigh(Conversation conversation, TurnStarted turn, AdmittedTurn admitted)
    {
        var longest = turn.MaxTokens == 0 ? options.DefaultMaxTokens : turn.MaxTokens;
        var tokens = Math.Min(config.Text.MaxPositions, (long)conversation.Ids.Count + turn.AppendedIds.Count + longest);
        admitted.Weigh(
            turn.Images.DistinctBy(span => span.Image).Sum(span => AnyResGrid.Layout(config.Images, span.Width, span.Height).Tiles),
            images.BytesOf(turn.Images),
            (tokens + BlockTokens - 1) / BlockTokens);
    }

    /// <summary>What a replica is asked: the turn, from where the log has it.</summary>
    public SequenceMessage Sequence(
        string session, Conversation conversation, TurnStarted turn, IReadOnlyDictionary<string, string> encoders, string tenant)
    {
        var known = conversation.Find(turn.TurnId);
        var number = known is null ? conversation.Turns.Count : conversation.Turns.ToList().IndexOf(known);
        return new SequenceMessage
        {
            Name = $"{session}/{turn.TurnId}",
            Session = session,
            TokenIds = (int[])[.. conversation.Ids, .. turn.AppendedIds],
            Images = [.. conversation.Images.Concat(turn.Images).Select(ImageSpanMessage.From)],
            Encoders = encoders,
            Sampling = SamplingMessage.From(turn.Sampling),
            Seed = turn.Seed,
            Turn = number,
            Answered = known is null ? [] : [.. known.Tokens.Select(token => token.Id)],
            MaxTokens = turn.MaxTokens == 0 ? options.DefaultMaxTokens : turn.MaxTokens,
            Tenant = tenant,
            Beginnings = Beginnings.Of(
                conversation.System ?? turn.System, [.. conversation.Images.Concat(turn.Images).Select(span => span.Image.Hex)]),
        };
    }
}
