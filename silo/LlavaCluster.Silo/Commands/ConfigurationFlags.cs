using System.CommandLine;
using System.Globalization;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary>
/// Flags that are configuration: <c>--kv-cache-mib 512</c> is <c>Llava:KvCacheMib=512</c>, and wins over it.
/// </summary>
internal sealed class ConfigurationFlags
{
    private readonly List<(Option Option, string Key, Func<ParseResult, object?> Value)> _flags = [];

    /// <summary>Flags of the model and its engines.</summary>
    public static ConfigurationFlags OfModel() => new ConfigurationFlags()
        .Add<string>(
            "--model", "Model", "Checkpoint folder, or 'tiny' for the one that comes with the program (the default).")
        .Add<string>("--dtype", "Dtype", "auto, float32, bfloat16 or float16.")
        .Add<string>("--device", "Device", "cpu or cuda.")
        .Add<int>(
            "--tensor-parallel", "TensorParallel", "Ranks that the language model is split over: in this process, or by --rank.", "--tp")
        .Add<int>("--kv-cache-mib", "KvCacheMib", "Memory for KV blocks of one rank; 0: by the free memory.")
        .Add<string>("--kernels", "Kernels", "fast: our own kernels (the default on a CPU; on a GPU for the attention of answers), or torch.")
        .Add<string>("--weights", "Weights", "full (the default), int8 or int4: how the language model's matrices are kept.")
        .Add<bool>("--weights-cache", "WeightsCache", "Keep int8 or int4 weights in a file beside the checkpoint, for the next start.")
        .Add<int>("--threads", "Threads", "Threads to compute on; 0: all cores.")
        .Add<string>("--template", "Template", "Name of the prompt template, instead of the checkpoint's own.")
        .Add<int>("--step-tokens", "StepTokens", "Most tokens that one step computes.")
        .Add<int>("--max-sequences", "MaxSequences", "Most sequences that run at once.");

    /// <summary>Flags of a process that serves, the model's included.</summary>
    public static ConfigurationFlags OfNode() => OfModel()
        .Add<string>("--roles", "Roles", "Roles of this process: gateway,encoder,decoder (the default: all).")
        .Add<string>("--bind", "Bind", "Address that the HTTP and gRPC ports listen at (default 127.0.0.1).")
        .Add<int>("--http", "Http", "Port for HTTP (default 5080); 0 takes a free one.")
        .Add<int>("--grpc", "Grpc", "Port for gRPC (default 5081); 0 takes a free one.")
        .Add<int>("--silo-port", "SiloPort", "Port for the other silos; 0, the default, takes a free one.")
        .Add<string>("--membership", "Membership", "How processes find each other: localhost (this one alone) or redis.")
        .Add<string>("--store", "Store", "Where sessions and images are kept: files (--data) or redis.")
        .Add<string>("--redis", "Redis", "Redis for membership and store: host:port (default 127.0.0.1:6379).")
        .Add<int>("--redis-patience-seconds", "RedisPatienceSeconds", "How long an answer of Redis is waited for.")
        .Add<string>("--cluster", "Cluster", "Name of the cluster (default llava).")
        .Add<string>("--silo-address", "SiloAddress", "Address of this process for the others (default 127.0.0.1).")
        .Add<string>("--replica", "Replica", "Name of this process's replica, unique in the cluster.")
        .Add<int>("--rank", "Rank", "The one rank of the replica that this process serves; others serve the others.")
        .Add<string>("--spare", "Spare", "Name of this process as a spare one: it takes the place of a rank that is missing.")
        .Add<int>("--spare-after-seconds", "SpareAfterSeconds", "How long a rank may be missing before that (default 2).")
        .Add<int>("--rank-silence-milliseconds", "RankSilenceMilliseconds", "Silence after which a rank counts as missing (default 500).")
        .Add<string>("--collective", "Collective", "What the ranks' numbers travel by: auto, tcp, shared or nccl.")
        .Add<string>("--nccl-library", "NcclLibrary", "File of the NCCL library (default: the system's libnccl.so.2).")
        .Add<int>("--kv-move-mib-per-second", "KvMoveMibPerSecond", "How fast KV is believed to come from another replica (default 1000); 0: it never moves.")
        .Add<string>("--encoder", "Encoder", "Name of this process's image encoder, unique in the cluster.")
        .Add<string>("--tls-certificate", "TlsCertificate", "Certificate of this process for the other silos (PEM).")
        .Add<string>("--tls-key", "TlsKey", "Its private key (PEM).")
        .Add<string>("--tls-authority", "TlsAuthority", "Certificate of the authority that all silos' certificates are of (PEM).")
        .Add<string>("--data", "Data", "Folder for sessions and images.")
        .Add<int>("--kv-host-mib", "KvHostMib", "Memory for the KV of idle conversations; 0: none; -1, the default: by the free memory.")
        .Add<int>("--kv-disk-mib", "KvDiskMib", "Disk space under --data for the same; 0: none; -1, the default: by the free space.")
        .Add<int>("--feature-cache-mib", "FeatureCacheMib", "Memory for the features of pictures that were seen before (default 512).")
        .Add<string>("--log-sync", "LogSync", "What of a log in files is on the disk at once: turns, always or never.")
        .Add<int>("--expire-hours", "Sessions:ExpireHours", "Sessions unused for so long are deleted; 0: never.")
        .Add<int>("--unused-image-hours", "Sessions:UnusedImageHours", "Images that no turn uses are deleted after so long; 0: never.")
        .Add<int>("--drain-seconds", "DrainSeconds", "How long running turns may go on after SIGTERM.")
        .Add<int>("--queue-length", "QueueLength", "Most turns that wait.")
        .Add<int>("--max-turns", "Admission:MaxTurns", "Most turns that run or wait in the whole cluster.")
        .Add<int>("--max-images", "Sessions:MaxImagesPerTurn", "Most images of one turn.")
        .Add<int>(
            "--default-max-tokens", "Sessions:DefaultMaxTokens", "Tokens of an answer where a request does not say.")
        .Add<bool>("--drain-silos", "DrainSilos", "Let callers have processes leave the cluster (default: only where --bind is loopback).")
        .Add<bool>("--list-sessions", "ListSessions", "Let callers list all sessions (default: only where --bind is loopback).")
        .Add<int>("--max-request-mib", "MaxRequestMib", "Largest gRPC request.")
        .Add<int>("--image-max-bytes", "Images:MaxBytes", "Largest image file.")
        .Add<long>("--image-max-pixels", "Images:MaxPixels", "Most pixels of an image.")
        .Add<int>("--image-max-side", "Images:MaxSide", "Longest side of an image, pixels.");

    /// <summary>Puts the flags on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var (option, _, _) in _flags)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The settings: defaults, then <c>appsettings.json</c>, environment, the command's own, flags.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="own">Settings that the command itself makes, by their whole key.</param>
    public NodeSettings Read(ParseResult parsed, params (string Key, string? Value)[] own)
    {
        var given = _flags
            .Where(f => parsed.GetResult(f.Option) is { Implicit: false })
            .Select(f => (f.Key, Value: Convert.ToString(f.Value(parsed), CultureInfo.InvariantCulture)))
            .Select(f => KeyValuePair.Create($"{NodeSettings.Section}:{f.Key}", f.Value));
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .AddInMemoryCollection(own.Select(o => KeyValuePair.Create(o.Key, o.Value)))
            .AddInMemoryCollection(given)
            .Build();
        return NodeSettings.Read(configuration);
    }

    private ConfigurationFlags Add<T>(string name, string key, string description, params string[] aliases)
    {
        var option = new Option<T>(name, aliases) { Description = description };
        _flags.Add((option, key, parsed => parsed.GetValue(option)));
        return this;
    }
}
