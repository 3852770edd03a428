namespace LlavaCluster.Core.Prompting.Templates;

/// <summary><c>USER: … ASSISTANT: …</c></summary>
/// <param name="name">Name of the template.</param>
/// <param name="form">Whose form.</param>
/// <param name="system">System text of the original form where a conversation has none of its own.</param>
internal sealed class VicunaTemplate(string name, TemplateForm form, string system) : ChatTemplate(name, TemplateFamily.Vicuna, form)
{
    /// <inheritdoc/>
    internal override void Render(TemplateWriter writer, IReadOnlyList<ChatMessage> messages)
    {
        if (Form == TemplateForm.Original)
        {
            RenderOriginal(writer, messages);
            return;
        }

        foreach (var message in messages)
        {
            writer.Literal(message.Role switch { ChatRole.System => "", ChatRole.User => "USER: ", _ => "ASSISTANT: " });
            writer.Content(message, afterText: " ");
        }

        writer.Literal("ASSISTANT:");
    }

    /// <inheritdoc/>
    internal override void RenderNextTurn(TemplateWriter writer, ChatMessage user)
    {
        writer.Literal(Form == TemplateForm.Original ? "</s>" : " ").Literal("USER: ");
        writer.Content(user, afterText: Form == TemplateForm.Original ? "" : " ");
        writer.Literal(Form == TemplateForm.Original ? " ASSISTANT:" : "ASSISTANT:");
    }

    private void RenderOriginal(TemplateWriter writer, IReadOnlyList<ChatMessage> messages)
    {
        var spoken = SystemOr(writer, messages, system);
        writer.Literal(" ");
        foreach (var message in spoken)
        {
            var isUser = message.Role == ChatRole.User;
            if (!isUser && IsEmpty(message))
            {
                // The original leaves the end of an empty answer out.
                writer.Literal("ASSISTANT:");
                continue;
            }

            writer.Literal(isUser ? "USER: " : "ASSISTANT: ").Content(message).Literal(isUser ? " " : "</s>");
        }

        writer.Literal("ASSISTANT:");
    }
}
