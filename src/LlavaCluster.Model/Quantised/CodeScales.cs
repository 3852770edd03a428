using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>The last step of a product with int8 codes over rows that torch computed: y[row, output] × scale[output].</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class CodeScales(WorkerPool pool) : RowWork(pool)
{
    private NumberForm _form;
    private byte* _y;
    private CodeMatrix? _matrix;

    /// <summary>Sums to results, before they are stored.</summary>
    public static void Apply(NumberForm form, float* sums, float* scales, int count)
    {
        for (var i = 0; i < count; i++)
        {
            // Torch gives bfloat16: what a token gets may not depend on who computed the sum.
            sums[i] = (form == NumberForm.BFloat16 ? Numbers.Round(form, sums[i]) : sums[i]) * scales[i];
        }
    }

    /// <summary>Applies the scales.</summary>
    /// <param name="form">Form of y.</param>
    /// <param name="y">[rows, outputs], sums; then results.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="matrix">Whose codes they are sums of.</param>
    public void Compute(NumberForm form, byte* y, int rows, CodeMatrix matrix)
    {
        (_form, _matrix) = (form, matrix);
        _y = y;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        var width = _matrix!.Outputs;
        var sums = scratch.Room(width);
        var place = _y + ((long)row * width * Numbers.Size(_form));
        Numbers.Widen(_form, place, sums, width);
        Apply(_form, sums, _matrix.Scales, width);
        Numbers.Narrow(_form, sums, place, width);
    }
}
