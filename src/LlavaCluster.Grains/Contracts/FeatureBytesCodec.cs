using System.Buffers;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.WireProtocol;

namespace LlavaCluster.Grains.Contracts;

/// <summary>Length and bytes, straight from the sender's memory into the receiver's native memory.</summary>
[RegisterSerializer]
internal sealed class FeatureBytesCodec : IFieldCodec<FeatureBytes>
{
    /// <inheritdoc/>
    public void WriteField<TBufferWriter>(
        ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, FeatureBytes? value)
        where TBufferWriter : IBufferWriter<byte>
    {
        if (ReferenceCodec.TryWriteReferenceField(ref writer, fieldIdDelta, expectedType, value) || value is null)
        {
            return;
        }

        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(FeatureBytes), WireType.LengthPrefixed);
        writer.WriteVarUInt32((uint)value.Length);
        writer.Write(value.Span);
    }

    /// <inheritdoc/>
    public FeatureBytes? ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        if (field.WireType == WireType.Reference)
        {
            return ReferenceCodec.ReadReference<FeatureBytes, TInput>(ref reader, field);
        }

        // The length is another process's word: believed only within the bound that every sender keeps.
        var length = reader.ReadVarUInt32();
        if (length > FeatureBytes.MaxLength)
        {
            throw new InvalidOperationException($"A chunk of features has {length} bytes; at most {FeatureBytes.MaxLength} are sent.");
        }

        var bytes = FeatureBytes.Allocate((int)length, out var target);
        reader.ReadBytes(target);
        ReferenceCodec.RecordObject(reader.Session, bytes);
        return bytes;
    }
}

/// <summary>Within a silo nothing is copied.</summary>
[RegisterCopier]
internal sealed class FeatureBytesCopier : IDeepCopier<FeatureBytes>
{
    /// <inheritdoc/>
    public FeatureBytes? DeepCopy(FeatureBytes? input, CopyContext context) => input;
}
