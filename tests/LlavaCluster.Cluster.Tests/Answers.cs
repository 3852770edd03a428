using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Cluster.Tests;

/// <summary>What events say, and what the fake model must answer.</summary>
internal static class Answers
{
    public static TurnStartedMessage Started(this IEnumerable<TurnEventMessage> events) => Assert.Single(events.OfType<TurnStartedMessage>());

    public static TurnFinishedMessage Finished(this IReadOnlyList<TurnEventMessage> events) => Assert.IsType<TurnFinishedMessage>(events[^1]);

    public static int[] Tokens(this IEnumerable<TurnEventMessage> events) =>
        [.. events.OfType<TurnDeltaMessage>().SelectMany(delta => delta.Tokens).Select(token => token.Id)];

    public static string Text(this IEnumerable<TurnEventMessage> events) =>
        string.Concat(events.OfType<TurnDeltaMessage>().Select(delta => delta.Text));

    /// <summary>A conversation as its ids, kept beside the cluster.</summary>
    public sealed class Mirror
    {
        private readonly List<int> _ids = [];
        private readonly List<ImageSpan> _images = [];

        public int Length => _ids.Count;

        /// <summary>What the next turn must answer; the answer becomes part of the conversation.</summary>
        public int[] Next(string text, (string Hash, int Width, int Height)[] images, int tokens = 20)
        {
            var parts = images.Select(_ => (ChatPart)new ChatPart.Image()).Append(new ChatPart.Text(text)).ToArray();
            var counts = images.Select(image => AnyResGrid.Layout(FakeCluster.Config.Images, image.Width, image.Height).Tokens).ToArray();
            var user = new ChatMessage(ChatRole.User, parts);
            var prompt = _ids.Count == 0 ? FakeCluster.Prompts.Conversation([user], counts) : FakeCluster.Prompts.NextTurn(user, counts);
            _images.AddRange(prompt.Images.Zip(images, (run, image) =>
                new ImageSpan(_ids.Count + run.Offset, run.Length, new ImageHash(image.Hash), image.Width, image.Height)));
            _ids.AddRange(prompt.TokenIds);
            var answer = FakeModel.Answer(_ids, _images, tokens);
            _ids.AddRange(answer);
            return answer;
        }

        /// <summary>The last answer was cut after so many tokens.</summary>
        public void CutLast(int from, int to) => _ids.RemoveRange(_ids.Count - from + to, from - to);
    }
}
