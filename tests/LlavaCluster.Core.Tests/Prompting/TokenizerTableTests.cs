using LlavaCluster.Core.Prompting;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class TokenizerTableTests
{
    public static TheoryData<string> Names => TokenizerTable.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_AllStrings_EqualReference(string name)
    {
        var tokenizer = TokenizerTable.Load(name);
        foreach (var row in TokenizerTable.Read(name).Rows)
        {
            AssertIds(row.Text, row.Ids, tokenizer.Encode(row.Text, bos: true));
            AssertIds(row.Text, row.IdsWithoutBos, tokenizer.Encode(row.Text, bos: false));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Decode_AllStrings_EqualReference(string name)
    {
        var tokenizer = TokenizerTable.Load(name);
        foreach (var row in TokenizerTable.Read(name).Rows)
        {
            Assert.Equal(row.Decoded, tokenizer.Decode(row.Ids, skipSpecial: false));
            Assert.Equal(row.DecodedSkipSpecial, tokenizer.Decode(row.Ids, skipSpecial: true));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_SentencePieceModelAlone_EqualsSlowReference(string name)
    {
        var tokenizer = TokenizerTable.LoadSentencePiece(name);
        foreach (var row in TokenizerTable.Read(name).Rows)
        {
            AssertIds(row.Text, row.SlowIds ?? row.Ids, tokenizer.Encode(row.Text, bos: true));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodePlain_TextWithoutSpecials_EqualsEncode(string name)
    {
        foreach (var tokenizer in new[] { TokenizerTable.Load(name), TokenizerTable.LoadSentencePiece(name) })
        {
            foreach (var row in TokenizerTable.Read(name).Rows.Where(r => !r.Text.Contains('<')))
            {
                AssertIds(row.Text, tokenizer.Encode(row.Text, bos: false), tokenizer.EncodePlain(row.Text, TextPosition.Start));
            }
        }
    }

    private static void AssertIds(string text, IReadOnlyList<int> expected, IReadOnlyList<int> actual) =>
        Assert.True(expected.SequenceEqual(actual), $"\"{text}\": expected {string.Join(' ', expected)}, got {string.Join(' ', actual)}");
}
