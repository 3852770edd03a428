using LlavaCluster.Core.Prompting.Templates;

namespace LlavaCluster.Core.Prompting;

/// <summary>Messages to ids: a template renders, a tokenizer encodes, and each picture becomes its run of placeholder ids.</summary>
/// <param name="tokenizer">The checkpoint's tokenizer.</param>
/// <param name="template">The checkpoint's template, or another that was asked for.</param>
/// <param name="imageTokenId">Placeholder id of image tokens.</param>
public sealed class PromptBuilder(ITokenizer tokenizer, ChatTemplate template, int imageTokenId) : IPromptBuilder
{
    private const string ImageMark = "<image>";

    /// <summary>The template in use.</summary>
    public ChatTemplate Template => template;

    /// <inheritdoc/>
    public Prompt Conversation(IReadOnlyList<ChatMessage> messages, IReadOnlyList<int> imageTokens)
    {
        MessageRules.CheckConversation(messages);
        MessageRules.CheckImages(messages, imageTokens);
        var writer = new TemplateWriter();
        template.Render(writer, messages);
        var ids = new List<int>();
        if (tokenizer.BosId is { } bos)
        {
            ids.Add(bos);
        }

        return Assemble(writer, imageTokens, TextPosition.Start, ids);
    }

    /// <inheritdoc/>
    public Prompt NextTurn(ChatMessage user, IReadOnlyList<int> imageTokens)
    {
        MessageRules.CheckTurn(user);
        MessageRules.CheckImages([user], imageTokens);
        var writer = new TemplateWriter();
        template.RenderNextTurn(writer, user);
        return Assemble(writer, imageTokens, TextPosition.Continuation, []);
    }

    private Prompt Assemble(TemplateWriter writer, IReadOnlyList<int> imageTokens, TextPosition position, List<int> ids)
    {
        var text = string.Join(ImageMark, writer.Chunks.Select(chunk => string.Concat(chunk.Select(p => p.Text))));
        var images = new List<ImageRun>();
        if (template.Form == TemplateForm.HuggingFace && tokenizer.FindSpecial(ImageMark) is { } mark)
        {
            // The mark is an added token in one text, and may take white space along.
            foreach (var id in tokenizer.EncodeRendered(WithMarks(writer.Chunks), position))
            {
                if (id == mark)
                {
                    AddImage(ids, images, imageTokens[images.Count]);
                }
                else
                {
                    ids.Add(id);
                }
            }

            return new Prompt(text, ids, images);
        }

        for (var i = 0; i < writer.Chunks.Count; i++)
        {
            if (i > 0)
            {
                AddImage(ids, images, imageTokens[i - 1]);

                // The original tokenizes each stretch between pictures as a text of its own (tokenizer_image_token).
                position = template.Form == TemplateForm.Original ? TextPosition.Start : TextPosition.AfterSpecial;
            }

            ids.AddRange(tokenizer.EncodeRendered(writer.Chunks[i], position));
        }

        return new Prompt(text, ids, images);
    }

    private void AddImage(List<int> ids, List<ImageRun> images, int tokens)
    {
        images.Add(new ImageRun(ids.Count, tokens));
        ids.AddRange(Enumerable.Repeat(imageTokenId, tokens));
    }

    private static List<RenderedPiece> WithMarks(IReadOnlyList<IReadOnlyList<RenderedPiece>> chunks)
    {
        var pieces = new List<RenderedPiece>(chunks[0]);
        foreach (var chunk in chunks.Skip(1))
        {
            pieces.Add(new RenderedPiece(ImageMark, IsWords: false));
            pieces.AddRange(chunk);
        }

        return pieces;
    }
}
