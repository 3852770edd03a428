using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Tests.Fakes;

/// <summary>One id per character into the model, one word per id out of it.</summary>
internal sealed class FakeTokenizer : ITokenizer
{
    public int VocabularySize => FakeModel.Vocabulary;

    public int? BosId => 1;

    public int? FindSpecial(string token) => null;

    public bool IsSpecial(int id) => id < FakeModel.FirstSampled;

    public IReadOnlyList<int> EncodePlain(ReadOnlySpan<char> text, TextPosition position)
    {
        var ids = new int[text.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = FakeModel.FirstSampled + (text[i] % (FakeModel.Vocabulary - FakeModel.FirstSampled));
        }

        return ids;
    }

    public IReadOnlyList<int> Encode(string text, bool bos) => EncodePlain(text, TextPosition.Start);

    public string Decode(IReadOnlyList<int> ids, bool skipSpecial) => FakeStopRule.TextOf(ids);

    public ITokenStreamDecoder CreateStreamDecoder() => throw new InvalidOperationException("The fake stop rule makes its texts itself.");
}
