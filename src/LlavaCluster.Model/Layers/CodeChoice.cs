using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Quantised;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Model.Layers;

/// <summary>How a language model's matrices become codes, one at a time, so that no more than one tensor is held in full.</summary>
/// <param name="Form">Int8 or int4.</param>
/// <param name="KeepCodes">The codes are computed with; false: what they say is written out again, for torch.</param>
/// <param name="Cache">Codes that were made before; null: they are made here.</param>
internal sealed record CodeChoice(WeightForm Form, bool KeepCodes, CodeCache? Cache = null)
{
    /// <summary>The form of a tensor: the output layer is never below int8.</summary>
    public WeightForm FormOf(string name) => name == TensorCatalog.OutputLayer ? WeightForm.Int8 : Form;

    /// <summary>Whether a tensor is one that becomes codes: a matrix of the language model, the embedding excepted.</summary>
    public static bool Takes(CatalogEntry entry)
        => entry.Role == WeightRoles.Language && entry.Shape.Length == 2 && entry.Name != TensorCatalog.Embedding;

    /// <summary>Bytes of a tensor in codes.</summary>
    public long BytesOf(CatalogEntry entry)
    {
        var (form, rows, inputs) = (FormOf(entry.Name), entry.Shape[0], (int)entry.Shape[1]);
        return RowCodes.CodeBytes(form, rows, inputs) + RowCodes.ScaleBytes(form, rows, inputs);
    }

    /// <summary>Whether a rank's slices fall on the borders of groups.</summary>
    /// <exception cref="BadCheckpointException">One does not.</exception>
    public void Check(LlavaConfig config, ShardPlan plan)
    {
        foreach (var entry in TensorCatalog.Of(config).Where(Takes))
        {
            CheckGroups(entry.Name, entry.Shape, plan.SliceOf(entry.Name) is { } slice ? (WeightSlice)slice : null);
        }
    }

    /// <summary>Tensors of equal inputs as one matrix, the first above.</summary>
    /// <param name="source">Where they come from.</param>
    /// <param name="parts">Our names, shapes of the whole tensors, the rank's slices.</param>
    /// <exception cref="BadCheckpointException">A rank's inputs do not begin where a group does.</exception>
    public CodeMatrix Make(IWeightSource source, IReadOnlyList<(string Name, long[] Shape, WeightSlice? Slice)> parts)
    {
        foreach (var (name, shape, slice) in parts)
        {
            CheckGroups(name, shape, slice);
        }

        var outputs = parts.Sum(part => part.Slice is { Dimension: 0 } rows ? rows.Length : part.Shape[0]);
        var inputs = parts[0].Slice is { Dimension: 1 } columns ? columns.Length : parts[0].Shape[1];
        var matrix = new CodeMatrix(FormOf(parts[0].Name), (int)outputs, (int)inputs);
        var at = 0;
        foreach (var (name, shape, slice) in parts)
        {
            using var rows = Rows(source, name, shape, slice);
            matrix.Place(rows, at);
            at += rows.Rows;
        }

        return matrix;
    }

    /// <summary>
    /// The rank's part of a tensor's codes. Codes of int8 are those of the whole row, so a rank that holds some inputs of every row reads all
    /// of them; groups of int4 it has whole.
    /// </summary>
    private unsafe RowCodes Rows(IWeightSource source, string name, long[] shape, WeightSlice? slice)
    {
        var form = FormOf(name);
        if (Cache is not null)
        {
            return Cache.Read(name, form, shape, slice);
        }

        var whole = form == WeightForm.Int8 && slice is { Dimension: 1 };
        using var read = source.Read(name, shape, whole ? null : slice);
        using var host = read.cpu();
        var (rows, inputs) = ((int)host.shape[0], (int)host.shape[1]);
        var codes = RowCodes.Of(form, NumberForms.Of(host.dtype), HostMemory.Of(host), rows, inputs);
        if (!whole)
        {
            return codes;
        }

        using (codes)
        {
            return codes.Columns((int)slice!.Value.Start, (int)slice.Value.Length);
        }
    }

    private void CheckGroups(string name, long[] shape, WeightSlice? slice)
    {
        if (FormOf(name) == WeightForm.Int4 && slice is { Dimension: 1 } part
            && (part.Start % RowCodes.Group != 0 || ((part.Start + part.Length) % RowCodes.Group != 0 && part.Start + part.Length != shape[1])))
        {
            throw new BadCheckpointException(
                $"int4 weights have a scale for every {RowCodes.Group} inputs; a rank would hold inputs {part.Start} to "
                + $"{part.Start + part.Length - 1} of the {shape[1]} of {name}, which cuts a group. "
                + "Take a number of ranks that divides the groups, or weights int8.");
        }
    }
}
