using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace LlavaCluster.Core.Links;

/// <summary>Calls another rank and says who calls.</summary>
public static class RankDialer
{
    /// <summary>Bytes before the text of an answer: 0 for welcome or 1 for refused, then the text's length (2).</summary>
    internal const int AnswerHead = 3;

    private const int MaxAnswer = 1024;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Calls until the other rank listens and lets this one in. Blocks.</summary>
    /// <param name="address">Where the other rank's <see cref="RankListener"/> is.</param>
    /// <param name="hello">Who calls whom.</param>
    /// <param name="patience">How long to try.</param>
    /// <param name="time">Clock of the wait.</param>
    /// <param name="secure">Wraps the connection; null: plain.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RankLinkException">Nobody answers in time, or the other rank refuses; says why.</exception>
    public static RankConnection Dial(
        IPEndPoint address,
        RankHello hello,
        TimeSpan patience,
        TimeProvider time,
        SecureStream? secure,
        CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var left = patience - time.GetElapsedTime(began);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                // The system's own limits: a connect and a read that block no longer than this.
                socket.SendTimeout = socket.ReceiveTimeout = (int)Math.Max(1, left.TotalMilliseconds);
                socket.Connect(address);
                using var stop = cancellationToken.Register(socket.Dispose);
                var connection = Introduce(RankConnection.Prepare(socket), hello, secure);
                socket.SendTimeout = socket.ReceiveTimeout = 0;
                return connection;
            }
            catch (Exception error) when (error is SocketException or IOException and not RankLinkException or ObjectDisposedException)
            {
                socket.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                if (time.GetElapsedTime(began) + Pause > patience)
                {
                    throw new RankLinkException(
                        $"Rank {hello.Rank} of epoch {hello.Epoch} called rank {hello.Called} at {address} for "
                        + $"{patience.TotalSeconds:0.#} s in vain: {error.Message}",
                        error);
                }
            }
            catch (AuthenticationException error)
            {
                // Trying again would not give it other credentials.
                socket.Dispose();
                throw new RankLinkException($"Rank {hello.Called} at {address} has not shown that it is of this cluster: {error.Message}", error);
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            // The other rank may not listen yet.
            cancellationToken.WaitHandle.WaitOne(Pause);
        }
    }

    private static RankConnection Introduce(Socket socket, RankHello hello, SecureStream? secure)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        stream = secure?.Invoke(stream, true) ?? stream;
        var words = new byte[RankHello.Bytes];
        hello.Write(words);
        var head = new byte[AnswerHead];
        try
        {
            stream.Write(words);
            stream.Flush();
            stream.ReadExactly(head);
        }
        catch (IOException error) when (secure is not null)
        {
            // A caller's handshake is over before its certificate is judged.
            throw new IOException($"it did not answer once it had seen this rank's certificate ({error.Message})", error);
        }

        if (head[0] == 0)
        {
            return new RankConnection(hello.Called, socket, stream);
        }

        var text = new byte[Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(1)), (ushort)MaxAnswer)];
        stream.ReadExactly(text);
        throw new RankLinkException($"Rank {hello.Called} refuses rank {hello.Rank}: {Encoding.UTF8.GetString(text)}");
    }
}
