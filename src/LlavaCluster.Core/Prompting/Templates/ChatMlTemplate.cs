namespace LlavaCluster.Core.Prompting.Templates;

/// <summary><c>&lt;|im_start|&gt;role⏎…&lt;|im_end|&gt;</c>, in the published form with a new line after each.</summary>
internal sealed class ChatMlTemplate(string name, TemplateForm form) : ChatTemplate(name, TemplateFamily.ChatMl, form)
{
    private const string DefaultSystem = "Answer the questions.";

    private string End => Form == TemplateForm.Original ? "<|im_end|>" : "<|im_end|>\n";

    /// <inheritdoc/>
    internal override void Render(TemplateWriter writer, IReadOnlyList<ChatMessage> messages)
    {
        if (Form == TemplateForm.Original)
        {
            writer.Literal("<|im_start|>system\n");
            messages = SystemOr(writer, messages, DefaultSystem);
            writer.Literal(End);
        }

        foreach (var message in messages)
        {
            writer.Literal($"<|im_start|>{message.Role switch { ChatRole.System => "system", ChatRole.User => "user", _ => "assistant" }}\n");

            // The original leaves the end of an empty answer out.
            if (Form != TemplateForm.Original || !IsEmpty(message))
            {
                writer.Content(message).Literal(End);
            }
        }

        writer.Literal("<|im_start|>assistant\n");
    }

    /// <inheritdoc/>
    internal override void RenderNextTurn(TemplateWriter writer, ChatMessage user) =>
        writer.Literal(End).Literal("<|im_start|>user\n").Content(user).Literal(End).Literal("<|im_start|>assistant\n");
}
