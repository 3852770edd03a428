using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// Fetches KV from the <see cref="KvServer"/> of another replica, one rank's part at a time. A stream that breaks is taken up again, behind
/// the blocks that have come; a block whose checksum differs is dropped. Memory is taken once, for a block of this replica: what the other says
/// of lengths is checked.
/// </summary>
/// <param name="shape">What this replica is.</param>
/// <param name="options">How patient.</param>
/// <param name="time">The clock.</param>
public sealed class KvClient(KvShape shape, KvMoveOptions options, TimeProvider time) : IKvSource
{
    /// <inheritdoc/>
    public KvMoveOptions Options => options;

    /// <inheritdoc/>
    public Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken) => Task.Factory.StartNew(
        () => Fetch(order, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <inheritdoc/>
    public Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken) => Task.Factory.StartNew(
        () => Hold(order, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private KvHold Hold(KvOrder order, CancellationToken cancellationToken)
    {
        var socket = Connect(IPEndPoint.Parse(order.From[0]));
        try
        {
            using var stop = cancellationToken.Register(socket.Dispose);
            var stream = Secured(socket);
            RequestOf(order, order.Keys, KvRequestKind.Hold).Write(stream);
            socket.ReceiveTimeout = (int)options.AnswerPatience.TotalMilliseconds;
            var places = KvAnswer.Read(stream, order.Keys.Count);
            Span<byte> loan = stackalloc byte[KvRequest.LoanBytes];
            stream.ReadExactly(loan);
            return new KvHold(socket, stream, places, new Guid(loan), cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private KvDelivery Fetch(KvOrder order, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var came = new Came(order.Keys.Count);
        var (attempts, why) = (0, (string?)null);
        for (var further = true; further && attempts < options.MostAttempts;)
        {
            attempts++;
            var before = came.Count;
            try
            {
                Receive(order, came, cancellationToken);
                (why, further) = (null, false);
            }
            catch (KvRefusedException refused)
            {
                (why, further) = (refused.Message, false);
            }
            catch (Exception error) when (error
                is IOException or SocketException or InvalidDataException or AuthenticationException or ObjectDisposedException or FormatException)
            {
                (why, further) = (error.Message, came.Count > before && !cancellationToken.IsCancellationRequested);
            }
        }

        return new KvDelivery(came.Arrived, came.Damaged, attempts, time.GetElapsedTime(began), why);
    }

    private void Receive(KvOrder order, Came came, CancellationToken cancellationToken)
    {
        var wanted = came.Missing;
        using var socket = Connect(IPEndPoint.Parse(order.From[order.Rank]));
        using var stop = cancellationToken.Register(socket.Dispose);
        using var stream = Secured(socket);
        RequestOf(order, wanted.Select(i => order.Keys[i]), order.Loan == Guid.Empty ? KvRequestKind.Fetch : KvRequestKind.Part).Write(stream);
        socket.ReceiveTimeout = (int)options.AnswerPatience.TotalMilliseconds;
        var follow = KvAnswer.Read(stream, wanted.Length);
        socket.ReceiveTimeout = (int)options.Silence.TotalMilliseconds;
        var length = checked((int)order.Bytes.BlockBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var bytes = buffer.AsSpan(0, length);
            foreach (var place in follow)
            {
                Take(stream, order, wanted[place], bytes, came);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Take(Stream stream, KvOrder order, int index, Span<byte> bytes, Came came)
    {
        Span<byte> words = stackalloc byte[KvBlockHead.Bytes];
        stream.ReadExactly(words);
        var head = KvBlockHead.Read(words);
        if (head.Key != order.Keys[index] || head.Length != bytes.Length)
        {
            throw new InvalidDataException(
                $"A block of {head.Length:N0} bytes came where one of {bytes.Length:N0} was due{(head.Key == order.Keys[index] ? "" : ", and it is another one")}.");
        }

        stream.ReadExactly(bytes);
        if (head.Sum != BlockSum.Of(bytes))
        {
            came.Drop(index);
            return;
        }

        order.Bytes.Write(order.Blocks[index], bytes);
        came.Note(index);
    }

    private Stream Secured(Socket socket)
    {
        Stream plain = new NetworkStream(socket, ownsSocket: true);
        return options.Secure?.Invoke(plain, true) ?? plain;
    }

    private KvRequest RequestOf(KvOrder order, IEnumerable<UInt128> keys, KvRequestKind kind) =>
        new(shape, order.Rank, order.Bytes.BlockBytes, [.. keys]) { Kind = kind, Loan = order.Loan };

    private Socket Connect(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // The system's own limit: a connect that blocks no longer than this.
            socket.SendTimeout = (int)options.ConnectPatience.TotalMilliseconds;
            socket.ReceiveTimeout = (int)options.Silence.TotalMilliseconds;
            socket.Connect(address);
            socket.SendTimeout = (int)options.Silence.TotalMilliseconds;
            return RankConnection.Prepare(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What has come of an order so far.</summary>
    private sealed class Came(int count)
    {
        private readonly bool[] _isOver = new bool[count];
        private readonly List<int> _arrived = [];

        public int Count => _arrived.Count + Damaged;

        public int Damaged { get; private set; }

        public IReadOnlyList<int> Arrived => _arrived;

        public int[] Missing => [.. Enumerable.Range(0, count).Where(i => !_isOver[i])];

        public void Note(int index)
        {
            _isOver[index] = true;
            _arrived.Add(index);
        }

        public void Drop(int index)
        {
            _isOver[index] = true;
            Damaged++;
        }
    }
}
