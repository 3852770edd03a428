using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;
using Xunit;

namespace LlavaCluster.Core.Tests.Links;

public sealed class TierMoveCodecTests
{
    private static readonly TierMove[] Moves =
    [
        new TierMove.ToHost([3, 1, 70_000], [0, 5, 2]),
        new TierMove.FromHost([3, 1], [9, 8]),
        new TierMove.ToDisk([4, 0], 1L << 40),
        new TierMove.FromDisk([new(1L << 40, 31), new(2, 0)], [6, 7]),
        new TierMove.Drop(12),
    ];

    [Fact]
    public void Move_WrittenAndRead_IsTheSame()
    {
        foreach (var move in Moves)
        {
            var frame = FrameOf(new ShardMessage.Move(5, 77, move));

            var read = Assert.IsType<ShardMessage.Move>(ShardFrame.Read((ShardFrameKind)frame[4], frame.AsSpan(ShardFrame.HeadBytes)));

            Assert.Equal(move.GetType(), read.What.GetType());
            Assert.Equivalent(new ShardMessage.Move(5, 77, move), read, strict: true);
        }
    }

    [Fact]
    public void Move_CutAnywhere_IsRefused()
    {
        foreach (var move in Moves)
        {
            var frame = FrameOf(new ShardMessage.Move(5, 77, move));
            for (var end = ShardFrame.HeadBytes; end < frame.Length; end++)
            {
                Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.Move, frame.AsSpan(ShardFrame.HeadBytes..end)));
            }
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 2, 6 }, "a move of kind 6 is unknown")]
    [InlineData(new byte[] { 0, 2, 1, 254, 255, 7, 0, 0 }, "65535 entries cannot be in the 2 bytes left")]
    [InlineData(new byte[] { 0, 2, 4, 1, 0, 0, 0 }, "-1 entries cannot be in the 3 bytes left")]
    [InlineData(new byte[] { 0, 2, 5, 0, 9 }, "1 bytes are left over")]
    public void Move_OfOtherBytes_IsRefusedByName(byte[] body, string what)
    {
        var error = Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.Move, body));

        Assert.Equal($"A message between ranks is damaged: {what}.", error.Message);
    }

    [Fact]
    public void Answer_WrittenAndRead_NamesTheRankThatFailed()
    {
        var frame = ShardFrame.Answer(new MoveAnswer(9, new([0, 3], TimeSpan.FromMilliseconds(7), new IOException("No space left."))));

        var answer = TierMoveCodec.ReadAnswer(frame.AsSpan(ShardFrame.HeadBytes), 4);

        Assert.Equal((9, TimeSpan.FromMilliseconds(7)), (answer.Number, answer.Result.Took));
        Assert.Equal([0, 3], answer.Result.Failed);
        Assert.Equal("Rank 4: No space left.", Assert.IsType<IOException>(answer.Result.Error).Message);
    }

    [Fact]
    public void Answer_AllArrived_HasNoError()
    {
        var frame = ShardFrame.Answer(new MoveAnswer(1, new([], TimeSpan.Zero)));

        Assert.Null(TierMoveCodec.ReadAnswer(frame.AsSpan(ShardFrame.HeadBytes), 1).Result.Error);
        Assert.Equal(
            "A message between ranks is damaged: a leader sends no Answer.",
            Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.Answer, frame.AsSpan(ShardFrame.HeadBytes))).Message);
    }

    private static byte[] FrameOf(ShardMessage message)
    {
        var to = new WireWriter();
        ShardFrame.Write(message, to);
        return to.Written.ToArray();
    }
}
