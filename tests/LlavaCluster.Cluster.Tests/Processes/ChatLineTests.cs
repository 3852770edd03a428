using LlavaCluster.Client.Terminal;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>How a typed line is read.</summary>
public sealed class ChatLineTests
{
    private static readonly HashSet<string> Files = ["a.png", "/tmp/b c.jpg", "/data/x.webp"];

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("   ", "nothing")]
    [InlineData("/quit", "quit()")]
    [InlineData("  /Image  my cat.png ", "image(my cat.png)")]
    [InlineData("/data/x.webp what is it?", "[/data/x.webp] what is it?")]
    [InlineData("a.png '/tmp/b c.jpg' compare", "[a.png|/tmp/b c.jpg] compare")]
    [InlineData("a.png", "[a.png] ")]
    [InlineData("what is a.png?", "[] what is a.png?")]
    [InlineData("missing.png what?", "[] missing.png what?")]
    [InlineData("'quoted' words", "[] 'quoted' words")]
    [InlineData("'", "[] '")]
    public void Parse_Line_IsReadAs(string line, string expected)
    {
        var read = ChatLine.Parse(line, Files.Contains) switch
        {
            ChatLine.Nothing => "nothing",
            ChatLine.Command command => $"{command.Name}({command.Rest})",
            ChatLine.Message message => $"[{string.Join('|', message.Images)}] {message.Text}",
            var other => other.ToString(),
        };

        Assert.Equal(expected, read);
    }
}
