namespace LlavaCluster.Core.Prompting.Templates;

/// <summary><c>[INST] … [/INST] …&lt;/s&gt;</c></summary>
internal sealed class MistralTemplate(string name, TemplateForm form) : ChatTemplate(name, TemplateFamily.Mistral, form)
{
    private bool IsOriginal => Form == TemplateForm.Original;

    private string EndOfAnswer => IsOriginal ? " </s>" : "</s> ";

    /// <inheritdoc/>
    internal override void Render(TemplateWriter writer, IReadOnlyList<ChatMessage> messages)
    {
        var system = messages[0].Role == ChatRole.System ? messages[0] : null;
        if (!IsOriginal)
        {
            WriteSystem(writer, system);
        }

        foreach (var message in messages.Skip(system is null ? 0 : 1))
        {
            if (message.Role == ChatRole.User)
            {
                // The original puts the system text inside the first instruction, the published template before it.
                writer.Literal("[INST] ");
                WriteSystem(writer, IsOriginal ? system : null);
                writer.Content(message).Literal(" [/INST]");
                system = IsOriginal ? null : system;
            }
            else if (!IsOriginal || !IsEmpty(message))
            {
                writer.Literal(" ").Content(message).Literal(EndOfAnswer);
            }
        }
    }

    /// <inheritdoc/>
    internal override void RenderNextTurn(TemplateWriter writer, ChatMessage user) =>
        writer.Literal(EndOfAnswer).Literal("[INST] ").Content(user).Literal(" [/INST]");

    private static void WriteSystem(TemplateWriter writer, ChatMessage? system)
    {
        if (system is not null)
        {
            writer.Literal("<<SYS>>\n").Content(system).Literal("\n<</SYS>>\n\n");
        }
    }
}
