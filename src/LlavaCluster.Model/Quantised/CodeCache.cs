using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// A checkpoint's matrices in codes, kept in a file beside it, so that the next start need not make them. It serves any number of
/// ranks: tensors are whole there. A file that is of another checkpoint or version, or damaged, is made anew. Any thread, one at a time
/// for each reading.
/// </summary>
public sealed class CodeCache
{
    private readonly string _file;
    private readonly IReadOnlyDictionary<string, SafetensorsTensor> _tensors;

    private CodeCache(string file, IReadOnlyDictionary<string, SafetensorsTensor> tensors, WeightForm form)
        => (_file, _tensors, Form) = (file, tensors, form);

    /// <summary>Int8 or int4.</summary>
    public WeightForm Form { get; }

    /// <summary>Where the file of a checkpoint is.</summary>
    public static string FileOf(string folder, WeightForm form) => Path.Combine(folder, $"llava-{form.ToString().ToLowerInvariant()}.codes");

    /// <summary>Opens the checkpoint's file, made first where there is none that can be used.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="config">Its numbers.</param>
    /// <param name="weights">Its weights, in the compute dtype.</param>
    /// <param name="form">Int8 or int4.</param>
    /// <param name="tell">Is told in a sentence why a file is made anew, or cannot be kept.</param>
    /// <returns>The codes; null where they cannot be kept: the folder cannot be written.</returns>
    public static CodeCache? Open(string folder, LlavaConfig config, CheckpointWeights weights, WeightForm form, Action<string> tell)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)form, (int)WeightForm.Full);
        var file = FileOf(folder, form);
        var identity = CodeFile.Identity(folder, weights.Type, form);
        if (File.Exists(file))
        {
            var (kept, complaint) = CodeFile.Check(file, identity);
            if (kept is not null)
            {
                return new CodeCache(file, kept, form);
            }

            tell($"{file}: {complaint} It is made anew.");
        }

        try
        {
            CodeFile.Write(file, identity, config, weights, new CodeChoice(form, KeepCodes: true));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            tell($"The weights in {form.ToString().ToLowerInvariant()} cannot be kept for the next start: {error.Message}");
            return null;
        }

        return new CodeCache(file, SafetensorsHeader.Read(file).Tensors, form);
    }

    /// <summary>The rank's part of a tensor.</summary>
    /// <param name="name">Our name.</param>
    /// <param name="form">The tensor's form.</param>
    /// <param name="shape">Shape of the whole tensor.</param>
    /// <param name="slice">The rank's part; its inputs do not cut a group.</param>
    internal unsafe RowCodes Read(string name, WeightForm form, long[] shape, WeightSlice? slice)
    {
        var rows = (int)(slice is { Dimension: 0 } some ? some.Length : shape[0]);
        var inputs = (int)(slice is { Dimension: 1 } few ? few.Length : shape[1]);
        var codes = new RowCodes(form, rows, inputs);
        using var file = new SafetensorsFile(_file);
        var (codeSlice, scaleSlice) = (slice, slice);
        if (slice is { Dimension: 1 } part)
        {
            // Bytes of codes, and groups of scales; int8 has a scale for the whole row.
            codeSlice = form == WeightForm.Int8
                ? part
                : new WeightSlice(1, part.Start / 2, RowCodes.CodeRow(form, inputs));
            scaleSlice = form == WeightForm.Int8 ? null : new WeightSlice(1, part.Start / RowCodes.Group, RowCodes.Groups(inputs));
        }

        var runs = SliceRuns.Of(_tensors[CodeFile.CodesOf(name)], codeSlice);
        file.Copy(runs, 0, codes.Codes, runs.Length);
        runs = SliceRuns.Of(_tensors[CodeFile.ScalesOf(name)], scaleSlice);
        file.Copy(runs, 0, codes.Scales, runs.Length);
        return codes;
    }
}
