namespace LlavaCluster.Core.Prompting.Templates;

/// <summary>Gathers a rendered conversation: pieces of text, with the places of pictures between them.</summary>
internal sealed class TemplateWriter
{
    private readonly List<List<RenderedPiece>> _chunks = [[]];

    /// <summary>Pieces before the first picture, between two, and after the last: one list more than there are pictures.</summary>
    public IReadOnlyList<IReadOnlyList<RenderedPiece>> Chunks => _chunks;

    /// <summary>Text of the template; tokens in it are special.</summary>
    public TemplateWriter Literal(string text)
    {
        _chunks[^1].Add(new RenderedPiece(text, IsWords: false));
        return this;
    }

    /// <summary>Somebody's words.</summary>
    public TemplateWriter Words(string text)
    {
        _chunks[^1].Add(new RenderedPiece(text, IsWords: true));
        return this;
    }

    /// <summary>A message's pictures, each on its own line, then its texts one after another.</summary>
    /// <param name="message">The message.</param>
    /// <param name="afterText">Follows each text.</param>
    public TemplateWriter Content(ChatMessage message, string afterText = "")
    {
        foreach (var _ in message.Parts.OfType<ChatPart.Image>())
        {
            _chunks.Add([]);
            Literal("\n");
        }

        foreach (var text in message.Parts.OfType<ChatPart.Text>())
        {
            Words(text.Value);
            if (afterText.Length > 0)
            {
                Literal(afterText);
            }
        }

        return this;
    }
}
