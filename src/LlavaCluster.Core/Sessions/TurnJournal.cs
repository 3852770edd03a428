using System.Collections.Concurrent;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// Makes the entries of many sessions' files durable together. An entry is written to its session's file, which stays with the operating
/// system, and to the journal, which goes to the disk: (1) all entries that came while the disk was busy are written as one, (2) those who
/// wait for them hear of it, (3) a file that is full is followed by another, and goes once the sessions' files are on the disk themselves. When
/// the journal cannot be written, as on a disk that is almost full, the sessions' files go to the disk instead, one by one.
/// What a journal has and a session's file lost with the power is put back by <see cref="JournalRecovery"/>. Any thread.
/// </summary>
/// <param name="folder">Where the journal's files are.</param>
/// <param name="boot">Name of the time since the machine was started.</param>
/// <param name="fileBytes">What one of its files is good for.</param>
internal sealed class TurnJournal(string folder, string boot, long fileBytes = TurnJournal.FileBytes) : IAsyncDisposable
{
    /// <summary>Bytes of a file: thousands of turns.</summary>
    public const int FileBytes = 4 << 20;

    /// <summary>Bytes that nobody waits for and that are kept back until somebody does.</summary>
    private const int MostKeptBack = 256 << 10;

    /// <summary>Full files whose sessions are not on the disk yet; with more, entries wait.</summary>
    private const int MostFull = 4;

    private readonly object _gate = new();
    private readonly Lock _retiring = new();
    private readonly ConcurrentQueue<JournalFile> _full = new();
    private readonly HashSet<string> _gaps = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MemoryStream _bytes = new();
    private List<Entry> _waiting = [];
    private long _keptBack;
    private bool _isAwaited;
    private bool _isClosing;
    private Thread? _thread;
    private JournalFile? _file;
    private Task _retired = Task.CompletedTask;

    /// <summary>Takes an entry that its session's file has.</summary>
    /// <param name="path">The session's file.</param>
    /// <param name="record">The entry.</param>
    /// <param name="isAwaited">False: it may reach the disk only together with a later one.</param>
    /// <returns>Completes when it is on the disk, where that is awaited; fails with an <see cref="IOException"/>.</returns>
    public Task Add(string path, JournalRecord record, bool isAwaited)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosing, this);
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "turn journal" };
                _thread.Start();
            }

            var entry = new Entry(path, record, isAwaited ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null);
            _waiting.Add(entry);
            _keptBack += record.Line.Length;
            if (isAwaited || _keptBack > MostKeptBack)
            {
                _isAwaited = true;
                Monitor.Pulse(_gate);
            }

            return entry.Told?.Task ?? Task.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isClosing)
            {
                return;
            }

            _isClosing = true;
            Monitor.Pulse(_gate);
            if (_thread is null)
            {
                _ended.TrySetResult();
            }
        }

        await _ended.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        while (Next() is { Count: > 0 } group)
        {
            try
            {
                Write(group);
                group.ForEach(entry => entry.Told?.TrySetResult());
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Later entries of the same sessions would stand behind these.
                _gaps.UnionWith(group.Select(entry => entry.Path));
                group.ForEach(entry => entry.Told?.TrySetException(error));
            }
        }

        Close();
        _ended.SetResult();
    }

    /// <summary>What came meanwhile; empty: there will be no more.</summary>
    private List<Entry> Next()
    {
        lock (_gate)
        {
            while (!_isAwaited && !_isClosing)
            {
                Monitor.Wait(_gate);
            }

            var group = _waiting;
            (_waiting, _isAwaited, _keptBack) = ([], false, 0);
            return group;
        }
    }

    private void Write(List<Entry> group)
    {
        SyncFiles(_gaps);
        _gaps.Clear();
        _bytes.SetLength(0);
        foreach (var entry in group)
        {
            entry.Record.WriteTo(_bytes);
        }

        var paths = group.Select(entry => entry.Path).ToHashSet();
        try
        {
            if (_file is not null && !_file.HasRoom(_bytes.Length))
            {
                LayAside();
            }

            _file ??= JournalFile.Create(folder, fileBytes, boot);
            _file.Write(_bytes.GetBuffer().AsSpan(0, (int)_bytes.Length), paths);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Nothing may follow what was perhaps written.
            LayAside();
            SyncFiles(paths);
        }
    }

    private static void SyncFiles(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            JournalFile.SyncFile(path);
        }
    }

    /// <summary>(3)</summary>
    private void LayAside()
    {
        if (_file is null)
        {
            return;
        }

        _full.Enqueue(_file);
        _file = null;
        if (_full.Count > MostFull)
        {
            RetireFull();
        }
        else if (_retired.IsCompleted)
        {
            _retired = Task.Factory.StartNew(RetireFull, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void RetireFull()
    {
        lock (_retiring)
        {
            try
            {
                while (_full.TryPeek(out var file))
                {
                    file.Retire();
                    _full.TryDequeue(out _);
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // They stay, and are tried again with the next one, or at the next start: what they are for still holds.
            }
        }
    }

    private void Close()
    {
        LayAside();
        RetireFull();
        foreach (var file in _full)
        {
            file.Dispose();
        }
    }

    private sealed record Entry(string Path, JournalRecord Record, TaskCompletionSource? Told);
}
