using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// The system calls under the collectives: sockets without the runtime's event loop (which would wake for every arrival), and waiting on
/// a word of shared memory. Linux on x86-64.
/// </summary>
internal static unsafe partial class Libc
{
    public const int DontWait = 0x40;
    public const int NoSignal = 0x4000;
    public const int Peek = 0x2;

    public const short PollIn = 0x1;
    public const short PollOut = 0x4;
    public const short PollError = 0x8;
    public const short PollHangUp = 0x10;
    public const short PollPeerClosed = 0x2000;

    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int BrokenPipe = 32;
    public const int ConnectionReset = 104;

    private const int EventFlags = 0x80800; // EFD_CLOEXEC, EFD_NONBLOCK
    private const long FutexCall = 202;
    private const int FutexWait = 0;
    private const int FutexWake = 1;

    /// <summary>Sends from several places at once; bytes taken, or −1.</summary>
    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint Send(int socket, Message* message, int flags);

    /// <summary>Receives into several places at once; bytes given, 0 at the end, or −1.</summary>
    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint Receive(int socket, Message* message, int flags);

    /// <summary>A file that is ready to be read once something was written to it, or −1.</summary>
    public static int OpenEvent() => OpenEvent(0, EventFlags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int file, void* into, nint bytes);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int file, void* from, nint bytes);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int file);

    /// <summary>Waits until one of the sockets is ready.</summary>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    /// <summary>Sleeps while the word has this value, at most so long; may also return for no reason.</summary>
    public static void WaitWhile(uint* word, uint value, TimeSpan atMost)
    {
        var time = new TimeSpec { Seconds = (long)atMost.TotalSeconds, Nanoseconds = atMost.Ticks % TimeSpan.TicksPerSecond * 100 };
        _ = Call(FutexCall, word, FutexWait, value, &time, null, 0);
    }

    /// <summary>Wakes all that sleep on the word, in any process.</summary>
    public static void WakeAll(uint* word) => _ = Call(FutexCall, word, FutexWake, int.MaxValue, null, null, 0);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int OpenEvent(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long Call(long number, uint* word, nint operation, nuint value, TimeSpec* timeout, uint* other, nuint last);

    /// <summary>struct iovec</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Piece
    {
        public byte* Start;
        public nint Length;
    }

    /// <summary>struct msghdr</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public void* Name;
        public uint NameLength;
        public Piece* Pieces;
        public nint PieceCount;
        public void* Control;
        public nint ControlLength;
        public int Flags;
    }

    /// <summary>struct pollfd</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Socket;
        public short Events;
        public short Result;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
