using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tests.Moving;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Links;

/// <summary>Parts of moves between replicas, as bytes and as a follower takes them.</summary>
public sealed class PartMoveCodecTests
{
    private static readonly PartMove[] Moves =
    [
        new PartMove.Lend(Guid.NewGuid(), [1, UInt128.MaxValue], [70_000, 3]),
        new PartMove.TakeBack(Guid.NewGuid()),
        new PartMove.Fetch(["127.0.0.1:1", "[::1]:65535"], Guid.NewGuid(), [(UInt128)7 << 100], [0]),
    ];

    [Fact]
    public void Part_WrittenAndRead_IsTheSame()
    {
        foreach (var move in Moves)
        {
            var frame = FrameOf(move);

            var read = Assert.IsType<ShardMessage.Part>(ShardFrame.Read((ShardFrameKind)frame[4], frame.AsSpan(ShardFrame.HeadBytes)));

            Assert.Equal(move.GetType(), read.What.GetType());
            Assert.Equivalent(new ShardMessage.Part(5, 77, move), read, strict: true);
        }
    }

    [Fact]
    public void Part_CutAnywhere_IsRefused()
    {
        foreach (var move in Moves)
        {
            var frame = FrameOf(move);
            for (var end = ShardFrame.HeadBytes; end < frame.Length; end++)
            {
                Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.Part, frame.AsSpan(ShardFrame.HeadBytes..end)));
            }
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 2, 4 }, "a part of kind 4 is unknown")]
    [InlineData(new byte[] { 0, 2, 2, 4, 1, 2 }, "a loan's id is cut")]
    [InlineData(new byte[] { 0, 2, 1, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 254, 255, 7 }, "65535 entries cannot be in the 0 bytes left")]
    [InlineData(new byte[] { 0, 2, 3, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 4, 0 }, "2 entries cannot be in the 1 bytes left")]
    [InlineData(new byte[] { 0, 2, 2, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 9 }, "1 bytes are left over")]
    public void Part_OfOtherBytes_IsRefusedByName(byte[] body, string what)
    {
        var error = Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.Part, body));

        Assert.Equal($"A message between ranks is damaged: {what}.", error.Message);
    }

    [Fact]
    public void Answer_OfPart_TellsConnectionsAndDamage()
    {
        var frame = ShardFrame.Answer(new MoveAnswer(9, new([1], TimeSpan.Zero) { Attempts = 2, Damaged = 1 }));

        var answer = TierMoveCodec.ReadAnswer(frame.AsSpan(ShardFrame.HeadBytes), 4);

        Assert.Equal((2, 1), (answer.Result.Attempts, answer.Result.Damaged));
    }

    [Fact]
    public async Task Follower_ThatLendsNothing_EndsWhenToldTo()
    {
        var error = await EndOfAsync(new PartMove.TakeBack(default), lent: null);

        Assert.Equal("Rank 1 was told to move KV between replicas; it has none that can be moved.", error);
    }

    [Theory]
    [InlineData(0, 2, "Rank 1 was sent move 2 of epoch 0; it is at move 1 of epoch 0.")]
    [InlineData(4, 1, "Rank 1 was sent move 1 of epoch 4; it is at move 1 of epoch 0.")]
    [InlineData(0, 1, "Lend: block 4 is not there; this rank has 4.")]
    public async Task Follower_PartThatCannotBeMeant_Ends(long epoch, long number, string message) =>
        Assert.Equal(message, await EndOfAsync(new PartMove.Lend(Guid.NewGuid(), [1], [4]), new LentParts(), epoch, number));

    private static async Task<string> EndOfAsync(PartMove move, LentParts? lent, long epoch = 0, long number = 1)
    {
        using var link = new InProcessShardLink(1);
        var source = new KvClient(TwoReplicas.Shape, TwoReplicas.Patient, TimeProvider.System);
        await using var follower = new ShardFollower(
            1, 0, () => new FakeModelRunner(new RunnerCapacity(4, 16, 64, FakeModel.Vocabulary), 1), link, source, lent);
        await follower.StartAsync().WaitAsync(Patience);
        link.Send(new ShardMessage.Part(epoch, number, move));
        return (await Assert.ThrowsAsync<InvalidOperationException>(() => follower.Completion.WaitAsync(Patience))).Message;
    }

    private static byte[] FrameOf(PartMove move)
    {
        var to = new WireWriter();
        ShardFrame.Write(new ShardMessage.Part(5, 77, move), to);
        return to.Written.ToArray();
    }
}
