using System.Text;
using LlavaCluster.Core.Prompting.Tokenizing;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>Texts that reach deep into a vocabulary: its own pieces, repeated letters, and characters that it has not.</summary>
internal static class RandomTexts
{
    /// <summary>One text without special tokens.</summary>
    public static string Next(Random random, SentencePieceModel model)
    {
        var text = new StringBuilder();
        for (var i = random.Next(25); i > 0; i--)
        {
            var piece = model.Pieces[random.Next(model.Pieces.Count)];
            text.Append(random.Next(8) switch
            {
                0 => ((char)random.Next(32, 127)).ToString(),
                1 => new Rune(random.Next(0x80, 0xD7FF)).ToString(),
                2 => new Rune(random.Next(0x10000, 0x10FFFF)).ToString(),
                3 => new string((char)('a' + random.Next(26)), random.Next(1, 5)),
                4 => new string(' ', random.Next(1, 4)),
                _ => piece.Kind == PieceKind.Normal ? piece.Text : "\n",
            });
        }

        return text.ToString();
    }

    /// <summary>The SentencePiece model of a golden checkpoint.</summary>
    public static SentencePieceModel Model(string name) =>
        SentencePieceModelReader.Read(LlavaCluster.Tests.GoldenFolder.Of("checkpoints", name, "tokenizer.model"));
}
