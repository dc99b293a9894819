package peers

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The manifest of docs/scheduling has the fields that Kubernetes knows, and no others.
func TestManifestIsRead(t *testing.T) {
	data, err := os.ReadFile("../../docs/scheduling/kubernetes/cronjob.yaml")
	require.NoError(t, err)
	parts := bytes.Split(data, []byte("\n---\n"))
	require.Len(t, parts, 2)

	var hosts corev1.ConfigMap
	require.NoError(t, yaml.UnmarshalStrict(parts[0], &hosts))
	var job batchv1.CronJob
	require.NoError(t, yaml.UnmarshalStrict(parts[1], &job))

	pod := job.Spec.JobTemplate.Spec.Template.Spec
	require.Len(t, pod.Volumes, 1)
	assert.Equal(t, hosts.Name, pod.Volumes[0].ConfigMap.Name)
	require.Len(t, pod.Containers, 1)
	assert.Contains(t, hosts.Data, "hosts")
	assert.Contains(t, pod.Containers[0].Args, pod.Containers[0].VolumeMounts[0].MountPath+"/hosts")
	assert.Equal(t, corev1.RestartPolicyNever, pod.RestartPolicy)
}
