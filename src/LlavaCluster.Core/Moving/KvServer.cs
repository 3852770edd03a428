using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// Where other replicas fetch KV of this process's ranks. A connection: (1) the caller says what it is and which blocks it wants, (2) the
/// engine holds those that it has, (3) they follow one after the other, (4) they are held until the caller hangs up. Of several ranks the
/// leader's engine does (2) and (4) on one connection, and each rank (3) on others, which name the loan. A thread per caller; the engine's own
/// is asked once and copies nothing.
/// </summary>
public sealed class KvServer : IAsyncDisposable
{
    private readonly KvShape _shape;
    private readonly IKvOwner _owner;
    private readonly KvMoveOptions _options;
    private readonly LentParts _lent;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<Socket, Task> _callers = [];
    private readonly Task _accepting;

    /// <summary>Listens from now on.</summary>
    /// <param name="address">Address of one interface: KV is for the machines of the cluster only.</param>
    /// <param name="shape">What this replica is.</param>
    /// <param name="owner">Whose blocks are lent.</param>
    /// <param name="options">How patient.</param>
    /// <param name="lent">What this process's ranks lend where the replica has several; null: it has one.</param>
    public KvServer(IPAddress address, KvShape shape, IKvOwner owner, KvMoveOptions options, LentParts? lent = null)
    {
        (_shape, _owner, _options, _lent) = (shape, owner, options, lent ?? new LentParts());
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _socket.Bind(new IPEndPoint(address, 0));
        // More than are served, so that who comes too many is told why.
        _socket.Listen(128);
        Address = (IPEndPoint)_socket.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Ends all connections and waits for their threads.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        Task[] left;
        lock (_gate)
        {
            left = [.. _callers.Values];
            foreach (var caller in _callers.Keys)
            {
                caller.Dispose();
            }
        }

        await Task.WhenAll(left).ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var caller = RankConnection.Prepare(await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false));
                lock (_gate)
                {
                    var hasRoom = _callers.Count < _options.MostCallers;
                    // It ends behind this gate, and so after it stands in the table.
                    _callers[caller] = Task.Factory.StartNew(
                        () => Serve(caller, hasRoom), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                }
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The one who called is gone again; the next one is not.
            }
        }
    }

    private void Serve(Socket caller, bool hasRoom)
    {
        try
        {
            (caller.ReceiveTimeout, caller.SendTimeout) = (Milliseconds(_options.Silence), Milliseconds(_options.Silence));
            Stream stream = new NetworkStream(caller, ownsSocket: true);
            using var secure = _options.Secure?.Invoke(stream, false) ?? stream;
            Answer(secure, caller, hasRoom);
        }
        catch (Exception error) when (error
            is IOException or SocketException or ObjectDisposedException or InvalidDataException or AuthenticationException or InvalidOperationException)
        {
            // Whatever a caller does, or the engine's end, ends this connection alone; the caller knows what came.
        }
        finally
        {
            caller.Dispose();
            lock (_gate)
            {
                _callers.Remove(caller);
            }
        }
    }

    private void Answer(Stream stream, Socket caller, bool hasRoom)
    {
        // (1)
        KvRequest request;
        try
        {
            request = KvRequest.Read(stream);
        }
        catch (KvRefusedException refused)
        {
            KvAnswer.Refuse(stream, refused.Message);
            return;
        }

        var why = request.Refuse(_shape);
        if (why is null && request.Kind == KvRequestKind.Part)
        {
            SendPart(stream, request);
            return;
        }

        why ??= hasRoom ? null : $"{_options.MostCallers} replicas fetch KV here already. Compute it, or ask later.";
        // (2)
        using var loan = why is null ? _owner.LendAsync(request.Keys).GetAwaiter().GetResult() : null;
        why ??= loan is null ? "This replica lends no KV: it is starting or stopping, or its blocks lie where only its device reads them." : null;
        why ??= Mismatch(loan!.Bytes, request);
        if (why is not null)
        {
            KvAnswer.Refuse(stream, why);
            return;
        }

        KvAnswer.Write(stream, [.. loan!.Blocks.Select(block => block.Index)]);
        if (request.Kind == KvRequestKind.Hold)
        {
            Hold(stream, caller, loan);
            return;
        }

        // (3)
        Send(stream, loan.Bytes, loan.Blocks, request.Keys, () => false);
        // (4)
        caller.ReceiveTimeout = Milliseconds(_options.LoanPatience);
        stream.ReadByte();
    }

    private static string? Mismatch(IBlockBytes here, KvRequest request) => here.BlockBytes == request.BlockBytes
        ? null
        : $"A block has {here.BlockBytes:N0} bytes here and {request.BlockBytes:N0} with the caller.";

    /// <summary>(4) of several ranks: they are held until the caller says that all of its ranks have theirs, and it is told whether they were.</summary>
    private void Hold(Stream stream, Socket caller, KvLoan loan)
    {
        stream.Write(loan.Id.ToByteArray());
        stream.Flush();
        caller.ReceiveTimeout = Milliseconds(_options.HoldPatience);
        if (stream.ReadByte() < 0)
        {
            return;
        }

        var wasHeld = loan.EndAsync();
        stream.WriteByte(wasHeld.Wait(_options.AnswerPatience) && wasHeld.Result ? KvRequest.WasHeld : (byte)0);
        stream.Flush();
    }

    /// <summary>(3) of one of several ranks.</summary>
    private void SendPart(Stream stream, KvRequest request)
    {
        var part = _lent.Find(request.Loan, request.Rank);
        var why = part is null ? $"Rank {request.Rank} does not lend these blocks here: the loan is over, or is none of this process." : null;
        why ??= Mismatch(part!.Bytes, request);
        if (why is not null)
        {
            KvAnswer.Refuse(stream, why);
            return;
        }

        var blocks = part!.Find(request.Keys);
        KvAnswer.Write(stream, [.. blocks.Select(block => block.Index)]);
        Send(stream, part.Bytes, blocks, request.Keys, () => part.IsOver);
    }

    private static void Send(Stream stream, IBlockBytes from, IReadOnlyList<(int Index, int Block)> blocks, UInt128[] keys, Func<bool> isOver)
    {
        var length = checked((int)from.BlockBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(KvBlockHead.Bytes + length);
        try
        {
            var message = buffer.AsSpan(0, KvBlockHead.Bytes + length);
            var bytes = message[KvBlockHead.Bytes..];
            foreach (var (index, block) in blocks)
            {
                if (isOver())
                {
                    throw new IOException("The loan is over.");
                }

                from.Read(block, bytes);
                new KvBlockHead(keys[index], BlockSum.Of(bytes), length).Write(message);
                stream.Write(message);
            }

            stream.Flush();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int Milliseconds(TimeSpan time) => (int)time.TotalMilliseconds;
}
