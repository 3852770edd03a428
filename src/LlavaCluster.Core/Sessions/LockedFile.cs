namespace LlavaCluster.Core.Sessions;

/// <summary>Files that several processes of one machine use, one at a time.</summary>
internal static class LockedFile
{
    /// <summary>EWOULDBLOCK of Linux: another process has the file.</summary>
    private const int InUse = 11;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>Opens a file for this process alone; waits a while for another one that has it.</summary>
    /// <exception cref="IOException">It stayed in use, or cannot be opened.</exception>
    public static async Task<FileStream> OpenAsync(string path, FileMode mode, FileAccess access)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                // No buffer: what is written is with the operating system at once.
                return new FileStream(path, mode, access, FileShare.None, bufferSize: 0);
            }
            catch (IOException error) when (error.HResult == InUse && TimeProvider.System.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(Pause).ConfigureAwait(false);
            }
        }
    }
}
